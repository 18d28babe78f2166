"""What the tables of figures have in common on the terminal, and in a file that takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.box import Box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

FULL_WIDTH: Final = 80
"""What every table fits in with all its columns."""

# Nothing but a rule below the headings, of a character that every encoding has and that is no
# noise where the table is copied or searched.
_BOX: Final = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def figures_table(title: str, names: Iterable[str], figures: Iterable[str]) -> Table:
    """Make a table: names, which may be folded, before figures, which may not, and a verdict."""
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=_BOX,
        show_edge=False,
        pad_edge=False,
        padding=(0, 0),
    )
    for heading in names:
        table.add_column(heading, overflow="fold", vertical="bottom")
    for heading in figures:
        table.add_column(heading, justify="right", no_wrap=True, vertical="bottom")
    # Broken, as names need the room.
    table.add_column("ver-\ndict", vertical="bottom")
    return table
