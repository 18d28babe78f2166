"""The claims of the thesis as panels: what is drawn against what, and what is expected of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.report import style
from outboxbench.report.charts.thesis_headroom import caught_up_s, draw_expected, drawn_headroom

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from outboxbench.analysis.thesis import ThesisPoint


class Panel(NamedTuple):
    """One claim as a panel: what is drawn against what."""

    title: str
    x_label: str
    y_label: str
    x: Callable[[ThesisPoint], float | None]
    y: Callable[[ThesisPoint], float | None]
    draw_expected: Callable[[Axes, Sequence[ThesisPoint]], None]


def _equal(axes: Axes, points: Sequence[ThesisPoint]) -> None:
    """As many as expected: the diagonal."""
    del points
    end = max(axes.get_xlim()[1], axes.get_ylim()[1])
    limits = (axes.get_xlim(), axes.get_ylim())
    axes.plot([0, end], [0, end], color=style.FAINT, linewidth=1)
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])


def _nothing(axes: Axes, points: Sequence[ThesisPoint]) -> None:
    """Nothing is expected but that it falls."""
    del points
    axes.set_ylim(0, 100)


PANELS: Final = (
    Panel(
        "Little's law",
        "expected in flight",
        "in flight at the onset",
        lambda point: point.expected_in_flight,
        lambda point: point.in_flight,
        _equal,
    ),
    Panel(
        "Interrupted",
        "in flight at the onset",
        "of them failed or in doubt",
        lambda point: point.in_flight,
        lambda point: point.interrupted,
        _equal,
    ),
    Panel(
        "Caught up",
        "headroom, × the load",
        "s until nobody waits",
        drawn_headroom,
        caught_up_s,
        draw_expected,
    ),
    Panel(
        "In time",
        "ms an operation takes",
        "% served within the SLO",
        lambda point: point.service_ms,
        lambda point: None if point.on_time is None else 100 * point.on_time,
        _nothing,
    ),
)
"""One for each of `CLAIMS`, in their order."""
