"""Which blocks are shown over the time of their window, and what is said of each."""

from __future__ import annotations

import math
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.analysis.series import curve, rate_panels
from outboxbench.report import style
from outboxbench.report.charts import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from outboxbench.results.block import Block
    from outboxbench.results.histograms import Interval
    from outboxbench.results.model import Arm, Run

    IntervalsOf: TypeAlias = Callable[[Block], Sequence[Interval]]

LONG_WINDOW_S: Final = 10.0
MOST_PANELS: Final = 12
NEEDS: Final = "an open loop, or windows of 10 s or more"

_LONGEST_NAME: Final = 20
_NO_SWEEP: Final = 1.0
"""Of an arm with too few rates to know: behind those on either side of the brink."""


class Window(NamedTuple):
    """One block of an arm: the one whose p99 is the median of the arm's blocks."""

    arm: Arm
    block: Block

    @property
    def title(self) -> str:
        """The arm in few words."""
        load = f", {self.arm.settings['rate']}" if "rate" in self.arm.settings else ""
        return f"{frame.shortened(self.arm.strategy, _LONGEST_NAME)} {self.arm.loop}{load}"

    @property
    def lost(self) -> int:
        """Operations that failed or stayed in doubt."""
        outcomes = self.block.outcomes
        return outcomes.attempted - outcomes.good - outcomes.skipped

    @property
    def losses_text(self) -> str:
        """The offered rate, what was lost of it, and the verdict."""
        skipped = self.block.outcomes.skipped
        told = [
            *([f"{self.arm.offered_per_s:,.0f}/s"] if self.arm.offered_per_s is not None else []),
            *([f"{skipped:,} skipped"] if skipped else []),
            *([f"{self.lost:,} failed"] if self.lost else []),
        ]
        return ", ".join((*told, style.verdict_text(self.block.verdict)))

    @property
    def colour(self) -> str:
        """That of what is said of it."""
        return style.FAINT if self.block.verdict == "pass" else style.ALARM


class Windows(NamedTuple):
    """The windows that have room, in the order of the tables, and how many have none."""

    shown: list[Window]
    left_out: int

    @property
    def left_out_text(self) -> str:
        """How many are not shown; empty where all are."""
        if not self.left_out:
            return ""
        return f" Left out: {self.left_out} arms farther from the most that they keep up with."


def windows(run: Run) -> Windows:
    """Choose the arms that are nearest to the most that they keep up with, and the most loaded.

    Far below it nothing happens, and far beyond it all wait as long as they may.

    Raises NoDataError when the run has no open loop and no window that is long enough.
    """
    arms = [
        arm
        for arms in comparable_arms(run)
        for arm in arms.strategies
        if arm.blocks and (arm.offered_per_s is not None or run.window_s >= LONG_WINDOW_S)
    ]
    if not arms:
        raise frame.NoDataError("no open loop was measured, and no window of 10 s or more")
    steps = _steps_to_the_brink(run)
    nearest = sorted(arms, key=lambda arm: (steps.get(arm.name, _NO_SWEEP), -_load(arm)))[
        :MOST_PANELS
    ]
    names = {arm.name for arm in nearest}
    shown = [Window(arm, _typical(arm)) for arm in arms if arm.name in names]
    return Windows(shown, len(arms) - len(shown))


def _steps_to_the_brink(run: Run) -> dict[str, float]:
    """How many rates an arm of a sweep is from between the last kept up with and the next one."""
    steps = {}
    for panel in rate_panels(run):
        for series in panel.series:
            kept_up = [*takewhile(lambda point: point.keeps_up, curve(series))]
            for place, arm in enumerate(series.arms):
                steps[arm.name] = abs(place + 0.5 - len(kept_up))
    return steps


def _load(arm: Arm) -> float:
    """As a share of what the arm can do; a closed loop asks for all of it."""
    if arm.offered_per_s is None:
        return 1.0
    return arm.offered_per_s / (arm.capacity_ok_per_s or math.inf)


def _typical(arm: Arm) -> Block:
    ranked = sorted(arm.blocks, key=lambda block: block.latency_us.p99 or 0.0)
    return ranked[(len(ranked) - 1) // 2]
