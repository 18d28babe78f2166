"""What surrounds the panels of every chart: title, subtitle, key, verdict and provenance.

Places are in inches from the top left corner, so that text keeps its size whatever a run holds.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from matplotlib.figure import Figure

from outboxbench.analysis.comparable import changed_durability
from outboxbench.report import style
from outboxbench.report.numbers import how_much

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from outboxbench.results.document import Verdict
    from outboxbench.results.machine import Environment, Server
    from outboxbench.results.model import Run

WIDTH_IN = 11.0
LEFT_IN = 0.35
TOP_IN = 1.45
BOTTOM_IN = 0.65

POINTS_PER_IN = 72

_LEGEND_TOP_IN = 1.08
_NOTE_CHARACTERS = 125
_SEPARATOR = "  ·  "


class NoDataError(Exception):
    """A chart has nothing to show; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Footer:
    """Whether the figures can be believed, and where they are from."""

    verdict: Verdict
    doubts: tuple[str, ...]
    provenance: tuple[str, ...]

    @classmethod
    def of_run(cls, run: Run, *, measured: str | None = None) -> Footer:
        """What stands below every chart of a run; `measured` is how much was, if not all of it."""
        durability = changed_durability(run.server)
        return cls(
            verdict=run.verdict,
            doubts=(
                *(() if run.complete else ("incomplete: it was interrupted",)),
                *((f"not the usual durability: {', '.join(durability)}",) if durability else ()),
            ),
            provenance=(
                f"suite {run.suite}",
                measured or how_much(run),
                *surroundings(run.server, run.environment),
                f"{run.started_at:%Y-%m-%d}",
            ),
        )


def surroundings(server: Server, environment: Environment) -> tuple[str, ...]:
    """What a chart says of the machine and its software."""
    return (
        f"PostgreSQL {server.version}",
        f"Python {environment.python}",
        f"{environment.cores} cores",
    )


def new_figure(
    footer: Footer, *, title: str, subtitle: str, key: Sequence[Artist], panels_in: float
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
    trusted = footer.verdict == "pass" and not footer.doubts
    _write(
        figure,
        _SEPARATOR.join(
            (f"Verdict of the run: {style.verdict_text(footer.verdict)}", *footer.doubts)
        ),
        at_in=height_in - 0.5,
        size=9,
        colour=style.INK if trusted else style.ALARM,
        weight="bold",
    )
    _write(
        figure,
        _SEPARATOR.join(footer.provenance),
        at_in=height_in - 0.3,
        size=9,
        colour=style.FAINT,
    )
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


def write_heading(figure: Figure, title: str, note: str, *, at_in: float) -> None:
    """Write what all of a panel have in common, and a note of up to two lines below it."""
    _write(figure, title, at_in=at_in, size=11.5, weight="bold")
    lines = textwrap.wrap(note, _NOTE_CHARACTERS, max_lines=2, placeholder=" …")
    _write(figure, "\n".join(lines), at_in=at_in + 0.23, size=9, colour=style.FAINT)


def write_note(figure: Figure, text: str, *, at_in: float) -> None:
    """Write a line below a panel."""
    _write(figure, text, at_in=at_in, size=9.5)


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
    size: float = 9.5,
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
        fontsize=size,
        color=colour,
        weight=weight,
    )


def write_sample(
    axes: Axes,
    look: style.StrategyLook,
    *,
    level: float,
    right_in: float,
    fill: style.Fill = "full",
) -> None:
    """Draw a strategy's marker inches right of the axes' right edge, beside its name."""
    width_in = axes.get_position().width * WIDTH_IN
    axes.plot(
        [1 + right_in / width_in],
        [level],
        transform=axes.transAxes,
        clip_on=False,
        color=look.colour,
        marker=look.marker,
        markersize=6,
        fillstyle=fill,
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
