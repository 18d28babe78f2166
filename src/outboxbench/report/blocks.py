"""What a report consists of, whatever it is written in: headings, paragraphs and tables.

The tables of the terminal are read as they are, so that each figure has one place where it is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class Heading:
    """A line above what follows it; level 1 is the title of a document."""

    text: str
    level: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that stay lines."""

    lines: tuple[str, ...]
    is_loud: bool = False
    """For what nobody may overlook."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A table; `is_number` says which columns are aligned to the right."""

    title: str
    columns: tuple[str, ...]
    is_number: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """What can be typed as it is."""

    text: str


Block: TypeAlias = Heading | Paragraph | Figures | Code


def blocks_of(*parts: RenderableType) -> Iterator[Block]:
    """Read what was made for the terminal.

    Raises TypeError for anything but groups, tables and texts, padded or not: what is left out
    here would be missing from every report.
    """
    for part in parts:
        match part:
            case Group():
                yield from blocks_of(*part.renderables)
            case Padding():
                yield from blocks_of(part.renderable)
            case Table():
                yield _figures(part)
            case Text() | str():
                if text := str(part).strip():
                    yield Paragraph(tuple(text.splitlines()))
            case _:
                raise TypeError(f"no report can hold a {type(part).__name__}")


def _figures(table: Table) -> Figures:
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    return Figures(
        title=_plain(table.title or ""),
        columns=tuple(_heading(_plain(column.header)) for column in table.columns),
        is_number=tuple(column.justify == "right" for column in table.columns),
        rows=tuple(zip(*columns, strict=True)),
    )


def _heading(text: str) -> str:
    """A heading in one line: words that were broken for the terminal are whole again."""
    return text.replace("-\n", "").replace("\n", " ")


def _plain(cell: RenderableType) -> str:
    if not isinstance(cell, Text | str):
        raise TypeError(f"no report can hold a {type(cell).__name__} in a table")
    return Text.from_markup(cell).plain if isinstance(cell, str) else cell.plain


def joined(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Blocks in their order, neighbouring paragraphs of one kind as one."""
    found: list[Block] = []
    for block in blocks:
        last = found[-1] if found else None
        if (
            isinstance(block, Paragraph)
            and isinstance(last, Paragraph)
            and block.is_loud == last.is_loud
        ):
            found[-1] = Paragraph((*last.lines, *block.lines), block.is_loud)
        else:
            found.append(block)
    return tuple(found)
