"""What the tables of figures have in common on the terminal, and in a file that takes its place."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from rich.box import Box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, JustifyMethod, OverflowMethod
    from rich.containers import Lines

FULL_WIDTH: Final = 80
"""What every table fits in with all its columns."""

VERDICT: Final = "ver-\ndict"
"""The heading of a column of verdicts; broken, as names need the room."""

# Nothing but a rule below the headings, of a character that every encoding has and that is no
# noise where the table is copied or searched.
_BOX: Final = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


class Name(Text):
    """What tells a row apart. It is broken after a hyphen or at a blank, where it has to be."""

    def wrap(
        self,
        console: Console,
        width: int,
        *,
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        tab_size: int = 8,
        no_wrap: bool | None = None,
    ) -> Lines:
        """Return the lines of the name, none wider than `width`, in characters."""
        broken = Text("\n".join(textwrap.wrap(self.plain, width)), self.style)
        return broken.wrap(
            console, width, justify=justify, overflow=overflow, tab_size=tab_size, no_wrap=no_wrap
        )


def figures_table(
    title: str,
    names: Iterable[str],
    figures: Iterable[str],
    words: Iterable[str] = (),
    *,
    gap: int = 1,
) -> Table:
    """Make a table: names, which may be folded, before figures and words, which may not.

    Args:
        title: what stands above the table; nothing does if it is empty.
        names: the headings of what tells the rows apart.
        figures: the headings of columns that are aligned to the right.
        words: the headings of what is no figure, such as a verdict.
        gap: blanks between two columns, 1 or more.
    """
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=_BOX,
        show_edge=False,
        pad_edge=False,
        # The box puts a blank between columns by itself.
        padding=(0, gap - 1, 0, 0),
    )
    for heading in names:
        table.add_column(Text(heading), overflow="fold", vertical="bottom")
    for heading in figures:
        table.add_column(Text(heading), justify="right", no_wrap=True, vertical="bottom")
    for heading in words:
        table.add_column(Text(heading), no_wrap=True, vertical="bottom")
    return table
