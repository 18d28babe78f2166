"""Blocks of a report as Markdown, the kind with tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outboxbench.report.blocks import Code, Figures, Heading, Paragraph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.report.blocks import Block

_SPECIAL = re.compile(r"([\\`*_<>\[\]|~$])")
_AT_THE_BEGIN = re.compile(r"^(\s*)(#|[-+]\s|\d+\.\s)")


def markdown(blocks: Iterable[Block]) -> str:
    """Write a document; it ends with a new line."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {escaped(block.text)}"
        case Paragraph(lines=lines, is_loud=is_loud):
            told = [f"> **{escaped(line)}**" if is_loud else escaped(line) for line in lines]
            # Two spaces at the end break a line.
            return "  \n".join(told)
        case Code():
            return f"```sh\n{block.text}\n```"
        case Figures():
            return _table(block)


def _table(table: Figures) -> str:
    rule = ["---:" if is_number else "---" for is_number in table.is_number]
    rows = [_row(map(escaped, row)) for row in table.rows]
    heading = [f"**{escaped(table.title)}**", ""] if table.title else []
    return "\n".join((*heading, _row(map(escaped, table.columns)), _row(rule), *rows))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace(chr(10), ' ') for cell in cells)} |"


def escaped(text: str) -> str:
    """A name with a star is a name, and no emphasis."""
    return _AT_THE_BEGIN.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", text))
