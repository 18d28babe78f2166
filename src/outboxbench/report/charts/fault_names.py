"""Names of arms under faults as they stand in charts, with what has to be doubted of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.fault_panels import fails_as_expected
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.numbers import injections

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

SIZE: Final = 8.5
LONGEST: Final = 36
"""In characters, without the verdict."""

_LEAST_IN: Final = 1.1
_CHARACTER_IN: Final = 0.072

_FILLS: Final[tuple[style.Fill, ...]] = ("full", "none", "left", "top")


def whole_name(panel: FaultPanel, arm: FaultArm) -> str:
    """The label; where it is too long the strategy is shortened, and then the rest of it."""
    rest = " ".join(panel.details(arm))
    room = LONGEST - len(rest) - (1 if rest else 0)
    name = frame.shortened(arm.strategy, max(room, 8))
    return frame.shortened(f"{name} {rest}".strip(), LONGEST)


def marked_name(panel: FaultPanel, arm: FaultArm) -> str:
    """The name, and behind it the verdict of an arm that must not be trusted."""
    doubt = "" if arm.verdict == "pass" else f"  {style.verdict_text(arm.verdict)}"
    if fails_as_expected(arm):
        doubt = "  ✗ as expected"
    return whole_name(panel, arm) + doubt


def width_in(texts: Iterable[str]) -> float:
    """How wide a column of these texts is."""
    return max(_LEAST_IN, _CHARACTER_IN * max(map(len, texts), default=0))


def colour(arm: FaultArm) -> str:
    """The colour of a name."""
    return style.INK if arm.verdict == "pass" or fails_as_expected(arm) else style.ALARM


def fill(panel: FaultPanel, arm: FaultArm) -> style.Fill:
    """How markers are filled, which tells arms of one strategy apart."""
    return _FILLS[panel.variant(arm) % len(_FILLS)]


def footer(run: Run) -> frame.Footer:
    """What stands below a chart of faults: injections take the place of rounds."""
    return frame.Footer.of_run(run, measured=injections(run))
