"""How outcomes look: what went well is faint, so that what did not stands out.

None has the colour of a strategy, and none differs by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from outboxbench.analysis.fault_panels import OUTCOMES
from outboxbench.report import style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outboxbench.analysis.fault_panels import Outcome


@dataclass(frozen=True, slots=True)
class OutcomeLook:
    """What tells an outcome from the others; sizes are in points."""

    name: str
    colour: str
    marker: str
    size: float
    hatch: str = ""


LOOKS: Final[Mapping[Outcome, OutcomeLook]] = {
    "failed": OutcomeLook("failed", style.ALARM, "x", 2.8),
    "indeterminate": OutcomeLook("in doubt", "#e07b00", "+", 5.5, "////"),
    "skipped": OutcomeLook("skipped", style.INK, "|", 4.5),
    "ok_recovered": OutcomeLook("recovered", "#5d6f80", "d", 3.4, "...."),
    "ok": OutcomeLook("ok", "#c9cfd4", ".", 2.8),
}


def points_key(occurred: Iterable[str]) -> list[Line2D]:
    """What the points of a scatter plot mean, as far as they occur; the worst first."""
    seen = set(occurred)
    return [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=look.marker,
            markersize=look.size + 2,
            color=look.colour,
            label=look.name,
        )
        for outcome, look in LOOKS.items()
        if outcome in seen
    ]


def bars_key() -> list[Patch]:
    """What the parts of a bar mean, in the order in which they are stacked."""
    return [
        Patch(
            facecolor=LOOKS[outcome].colour,
            hatch=LOOKS[outcome].hatch,
            edgecolor="white",
            linewidth=0,
            label=LOOKS[outcome].name,
        )
        for outcome in OUTCOMES
    ]
