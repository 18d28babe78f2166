"""What surrounds the panels of every chart: title, subtitle, key, verdict and provenance.

Places are in inches from the top left corner, so that text keeps its size whatever a run holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from matplotlib.figure import Figure

from outboxbench.analysis.comparable import changed_durability
from outboxbench.report import style
from outboxbench.report.numbers import rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.model import Run

WIDTH_IN = 11.0
LEFT_IN = 0.35
TOP_IN = 1.45
BOTTOM_IN = 0.65

POINTS_PER_IN = 72

_LEGEND_TOP_IN = 1.08
_SEPARATOR = "  ·  "


class NoDataError(Exception):
    """A chart has nothing to show for this run; the message is the reason."""


def new_figure(
    run: Run, *, title: str, subtitle: str, key: Sequence[Artist], panels_in: float
) -> Figure:
    """A figure with room for panels of this height below `TOP_IN`; the subtitle has two lines."""
    height_in = TOP_IN + panels_in + BOTTOM_IN
    figure = Figure(figsize=(WIDTH_IN, height_in))
    _write(figure, title, at_in=0.22, size=16, weight="bold")
    _write(figure, subtitle, at_in=0.58, size=10, colour=style.FAINT)
    if key:
        figure.legend(
            handles=key,
            loc="upper left",
            bbox_to_anchor=(LEFT_IN / WIDTH_IN, 1 - _LEGEND_TOP_IN / height_in),
            ncols=len(key),
            frameon=False,
            fontsize=9.5,
            borderpad=0,
            borderaxespad=0,
            handlelength=1.8,
            columnspacing=2.2,
        )
    trusted = run.verdict == "pass" and run.complete and not changed_durability(run.server)
    _write(
        figure,
        _trust(run),
        at_in=height_in - 0.5,
        size=9,
        colour=style.INK if trusted else style.ALARM,
        weight="bold",
    )
    _write(figure, _provenance(run), at_in=height_in - 0.3, size=9, colour=style.FAINT)
    return figure


def place(
    figure: Figure, *, left_in: float, top_in: float, width_in: float, height_in: float
) -> Axes:
    """Add axes at a place in inches from the figure's top left corner."""
    figure_width_in, figure_height_in = figure.get_size_inches()
    return figure.add_axes(
        (
            left_in / figure_width_in,
            1 - (top_in + height_in) / figure_height_in,
            width_in / figure_width_in,
            height_in / figure_height_in,
        )
    )


def write_heading(figure: Figure, arms: ComparableArms, *, at_in: float, note: str = "") -> None:
    """Write what a panel's arms have in common, and their settings and a note below it."""
    _write(figure, arms.title, at_in=at_in, size=11.5, weight="bold")
    _write(figure, arms.settings_text + note, at_in=at_in + 0.23, size=9, colour=style.FAINT)


def write_beside(
    axes: Axes,
    text: str,
    *,
    level: float,
    right_in: float = 0,
    left_in: float = 0,
    align: Literal["left", "right"],
    colour: str,
    weight: str = "normal",
) -> None:
    """Write a text inches right or left of the axes; level 0 is their bottom, 1 their top."""
    axes.annotate(
        text,
        xy=(1 if right_in else 0, level),
        xycoords="axes fraction",
        xytext=((right_in - left_in) * POINTS_PER_IN, 0),
        textcoords="offset points",
        ha=align,
        va="center",
        fontsize=9.5,
        color=colour,
        weight=weight,
    )


def shortened(name: str, longest: int) -> str:
    """A name that fits where names stand; a third party may call its strategy anything."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _write(
    figure: Figure,
    text: str,
    *,
    at_in: float,
    size: float,
    colour: str = style.INK,
    weight: str = "normal",
) -> None:
    figure.text(
        LEFT_IN / WIDTH_IN,
        1 - at_in / figure.get_figheight(),
        text,
        va="top",
        fontsize=size,
        color=colour,
        weight=weight,
        linespacing=1.35,
    )


def _trust(run: Run) -> str:
    durability = changed_durability(run.server)
    return _SEPARATOR.join(
        (
            f"Verdict of the run: {style.verdict_text(run.verdict)}",
            *(() if run.complete else ("incomplete: it was interrupted",)),
            *((f"not the usual durability: {', '.join(durability)}",) if durability else ()),
        )
    )


def _provenance(run: Run) -> str:
    return _SEPARATOR.join(
        (
            f"suite {run.suite}",
            rounds(run),
            f"PostgreSQL {run.server.version}",
            f"Python {run.environment.python}",
            f"{run.environment.cores} cores",
            f"{run.started_at:%Y-%m-%d}",
        )
    )
