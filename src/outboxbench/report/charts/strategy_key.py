"""The names of strategies above panels none of which has room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D

from outboxbench.report.charts import frame

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from matplotlib.figure import Figure

    from outboxbench.report.style import StrategyLook

_NAMES_A_ROW: Final = 5
_ROW_IN: Final = 0.24
_LONGEST_NAME: Final = 20


def height_in(names: Collection[str]) -> float:
    """The room that the names take."""
    return _ROW_IN * -(-len(names) // _NAMES_A_ROW) + 0.15


def write(
    figure: Figure, looks: Mapping[str, StrategyLook], *, top_in: float, is_stroked: bool
) -> None:
    """Write each name beside its marker, and with `is_stroked` beside its line too."""
    figure.legend(
        handles=[
            Line2D(
                [],
                [],
                color=look.colour,
                marker=look.marker,
                linestyle=look.line if is_stroked else "none",
                label=frame.shortened(name, _LONGEST_NAME),
            )
            for name, look in looks.items()
        ],
        loc="upper left",
        bbox_to_anchor=(frame.LEFT_IN / frame.WIDTH_IN, 1 - top_in / figure.get_figheight()),
        ncols=_NAMES_A_ROW,
        frameon=False,
        fontsize=9,
        borderpad=0,
        borderaxespad=0,
        columnspacing=2.2,
    )
