"""How long it takes to catch up, by headroom, which differs by more than a linear axis can show."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np

from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.log_ticks import label_log_axis

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

    from outboxbench.analysis.thesis import ThesisPoint

_LIMITS: Final = (0.1, 100.0)
"""In multiples of the load; more where points ask for it."""
_MARGIN: Final = 1.3
_TICK_SIZE: Final = 8
_NOTE_LEVEL: Final = 0.55
_LEAST_HURT: Final = 1.0
"""Operations an injection, from which on those that do not wait have failed instead."""


def drawn_headroom(point: ThesisPoint) -> float | None:
    """Where a point stands; None where its headroom is not known, or where it has none."""
    return point.headroom if point.headroom is not None and point.headroom > 0 else None


def caught_up_s(point: ThesisPoint) -> float | None:
    """How high a point stands; None where half of the injections were never caught up with."""
    return None if point.caught_up_ms is None else point.caught_up_ms / 1000


def draw_expected(axes: Axes, points: Sequence[ThesisPoint]) -> None:
    """Draw the queue of a median outage, served at what is left over; say where nobody waits."""
    known = [room for point in points if (room := drawn_headroom(point)) is not None]
    limits = (min(_LIMITS[0], *known) / _MARGIN, max(_LIMITS[1], *known) * _MARGIN)
    axes.set_xscale("log")
    axes.set_xlim(limits)
    label_log_axis(
        axes.xaxis,
        limits,
        length_in=axes.get_position().width * frame.WIDTH_IN,
        points=_TICK_SIZE,
    )
    if any(caught_up_s(point) for point in points):
        _draw_line(axes, points, limits)
    else:
        axes.set_ylim(0, 1)
    if notes := "\n".join(_notes(points)):
        axes.text(
            0.98,
            _NOTE_LEVEL,
            notes,
            transform=axes.transAxes,
            ha="right",
            va="center",
            fontsize=_TICK_SIZE,
            color=style.FAINT,
            zorder=2.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )


def _draw_line(axes: Axes, points: Sequence[ThesisPoint], limits: tuple[float, float]) -> None:
    outages_ms = [
        point.expected_caught_up_ms / (1 + 1 / point.headroom)
        for point in points
        if point.expected_caught_up_ms is not None and point.headroom
    ]
    if not outages_ms:
        return
    heights = axes.get_ylim()
    headroom = np.geomspace(limits[0], limits[1], 200)
    expected_s = median(outages_ms) / 1000 * (1 + 1 / headroom)
    axes.plot(headroom, expected_s, color=style.FAINT, linewidth=1)
    axes.set_ylim(heights)


def _notes(points: Sequence[ThesisPoint]) -> Iterator[str]:
    known = [point for point in points if point.headroom is not None]
    at_once = [point for point in known if point.caught_up_ms == 0]
    if 2 * len(at_once) > len(known):
        is_all = len(at_once) == len(known)
        who = "nobody waits" if is_all else f"nobody waits in {len(at_once)} of {len(known)} arms"
        if median(point.hurt for point in at_once) < _LEAST_HURT:
            yield who
        else:
            yield f"{who}:\nclients fail at once"
    if without := sum(point.headroom is not None and point.headroom <= 0 for point in known):
        yield f"{without} without headroom"
    if never := sum(point.caught_up_ms is None for point in known):
        yield f"{never} never caught up"
