"""What a run left beside its document, for the charts that are drawn of it; each file read once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from outboxbench.analysis.ecdf import cumulated, ecdf
from outboxbench.analysis.history.over_time import over_time
from outboxbench.results.histograms import GOOD_TAGS, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hdrh.histogram import HdrHistogram

    from outboxbench.analysis.ecdf import Ecdf
    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.analysis.history.over_time import OverTime
    from outboxbench.results.block import Block
    from outboxbench.results.histograms import Interval
    from outboxbench.results.model import Run
    from outboxbench.results.store import RunFolder


class Latencies(NamedTuple):
    """The latencies of good operations by the arm's name, all rounds together and over rounds."""

    histograms: dict[str, HdrHistogram]
    ecdfs: dict[str, Ecdf]


class Recorded:
    """The run, and what its folder holds; reading raises RunReadError."""

    def __init__(self, run: Run, folder: RunFolder) -> None:
        self.run = run
        self._folder = folder
        self._intervals: dict[str | None, Sequence[Interval]] = {}

    def intervals(self, block: Block) -> Sequence[Interval]:
        """What the log of a block holds; kept, as all charts over time are of the same few."""
        if block.histogram not in self._intervals:
            self._intervals[block.histogram] = self._folder.intervals(block)
        return self._intervals[block.histogram]

    @property
    def histograms(self) -> dict[str, HdrHistogram]:
        """The latencies of good operations by the arm's name, all rounds together.

        A reference has no others.
        """
        if self._folder.reference is None:
            return self.latencies.histograms
        return {arm.name: self._folder.good_latencies(arm) for arm in self.run.arms}

    @cached_property
    def latencies(self) -> Latencies:
        """Those of all arms, from one pass over the histograms."""
        found = Latencies({}, {})
        for arm in self.run.arms:
            rounds = [self._good(block) for block in arm.blocks]
            found.histograms[arm.name] = merge(rounds)
            if distribution := ecdf([cumulated([each]) for each in rounds]):
                found.ecdfs[arm.name] = distribution
        return found

    def _good(self, block: Block) -> HdrHistogram:
        intervals = self._folder.intervals(block)
        return merge(each.histogram for each in intervals if each.tag in GOOD_TAGS)

    def over_time(self, panel: FaultPanel) -> dict[str, OverTime]:
        """What the histories of the arms under a fault tell, by the arm's name."""
        return {
            arm.name: over_time(
                self._folder.history(arm),
                arm.availability.timeline,
                float(str(arm.settings["max_wait_s"])),
            )
            for arm in panel.arms
        }
