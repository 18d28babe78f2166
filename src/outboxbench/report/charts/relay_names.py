"""Names of relay arms as they stand in charts: what tells them apart is never cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.report import style
from outboxbench.report.charts import frame

if TYPE_CHECKING:
    from outboxbench.analysis.relay_panels import RelayPanel
    from outboxbench.results.relay import RelayArm

SIZE: Final = 8.5
LONGEST: Final = 46
"""In characters; at `SIZE` they take `WIDTH_IN` or less."""

WIDTH_IN: Final = 3.35
VERDICT_IN: Final = 0.75


def whole_name(panel: RelayPanel, arm: RelayArm) -> str:
    """The label in one line; where it is too long, it is the strategy that is shortened."""
    rest = details(panel, arm)
    return f"{frame.shortened(arm.strategy, LONGEST - len(rest) - 1)} {rest}"


def details(panel: RelayPanel, arm: RelayArm) -> str:
    """The label without the strategy."""
    return panel.label(arm).removeprefix(arm.strategy).strip()


def doubt(arm: RelayArm) -> str:
    """What has to stand behind the name of an arm that must not be trusted."""
    return "" if arm.verdict == "pass" else f"  {style.verdict_text(arm.verdict)}"


def colour(arm: RelayArm) -> str:
    """The colour of a name."""
    return style.INK if arm.verdict == "pass" else style.ALARM
