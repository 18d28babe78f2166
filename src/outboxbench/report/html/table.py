"""A table of the report: figures as text, with what they are sorted and chosen by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from outboxbench.report.html.marks import Mark, mark_of
from outboxbench.report.numbers import BLANK, milliseconds, percent, three_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.report.fault_matrix import Sign
    from outboxbench.results.document import Verdict

_TRAITS: Final = ("strategy", "loop", "profile")


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds; one of figures is set to the right.

    Args:
        title: its heading.
        unit: of its figures, below the heading.
        is_numeric: whether it holds figures.
        strategy: whose column it is, where that is chosen by.
    """

    title: str
    unit: str = ""
    is_numeric: bool = True
    strategy: str | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure or a word; `sort` is what it is sorted by, in place of its text."""

    text: str
    sort: str | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One arm, say. What is None of strategy, loop and profile is never hidden for it.

    Args:
        name: the heading of the row.
        cells: as many as there are columns, less that of the names.
        mark: the verdict, where it stands beside all figures of the row.
    """

    name: str
    cells: tuple[Cell, ...]
    mark: Mark | None = None
    strategy: str | None = None
    loop: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table with its caption; `names` is the heading of the column that names the rows."""

    title: str
    names: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Tables under one heading, and what their columns mean."""

    title: str
    legend: str
    tables: tuple[ReportTable, ...]


def word(text: str | None) -> Cell:
    """A name; a dash where there is none."""
    return Cell(BLANK if text is None else text)


def figure(value: float | None, text: str | None = None) -> Cell:
    """A figure with three digits, or as `text` has it; a dash where it was not measured."""
    if value is None:
        return Cell(text or BLANK)
    return Cell(_digits(value) if text is None else text, f"{value:.6g}")


def _digits(value: float) -> str:
    if value == 0:
        return "0"
    return three_digits(value) if value > 0 else f"−{three_digits(-value)}"


def count(value: int | None) -> Cell:
    """A whole number."""
    return figure(value, None if value is None else f"{value:,}")


def in_ms(value_us: float | None) -> Cell:
    """A latency in µs as one in ms."""
    return figure(value_us, milliseconds(value_us))


def share(ratio: float | None, *, decimals: int = 0) -> Cell:
    """A ratio in per cent."""
    return figure(ratio, percent(ratio) if not decimals or ratio is None else f"{ratio:.1%}")


def ratio_with_interval(ratio: float, low: float, high: float) -> Cell:
    """A ratio with its 95% interval."""
    return figure(ratio, f"{ratio:.2f} [{low:.2f}, {high:.2f}]")


def blanks(number: int) -> tuple[Cell, ...]:
    """Cells of what was not measured."""
    return (Cell(BLANK),) * number


def verdict(value: Verdict | Sign) -> Cell:
    """A verdict as a cell; the worst are sorted first."""
    mark = mark_of(value)
    return Cell(mark.word, f"{mark.rank}", mark)


def text_columns(*titles: str) -> tuple[Column, ...]:
    """Columns of words."""
    return tuple(Column(title, is_numeric=False) for title in titles)


def figure_columns(titles: Sequence[str]) -> tuple[Column, ...]:
    """Columns of figures; what follows a line break is the unit."""
    split = (title.partition("\n") for title in titles)
    return tuple(Column(title, unit) for title, _, unit in split)


def choices(groups: Sequence[Group]) -> dict[str, list[str]]:
    """What rows can be chosen by; nothing where all are alike."""
    rows = [row for group in groups for table in group.tables for row in table.rows]
    values = {trait: sorted({getattr(row, trait) for row in rows} - {None}) for trait in _TRAITS}
    return {trait: found for trait, found in values.items() if len(found) > 1}
