"""Many runs over time: each arm against the reference of its own run, and when that changed.

Machines differ from run to run, and so do figures; what is followed is the ratio to the reference,
which was measured in the same rounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.comparable import changed_durability, comparable_arms
from outboxbench.analysis.comparison import METRICS, logs_by_round
from outboxbench.analysis.same_machine import machine_differences
from outboxbench.analysis.two_runs import software_differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outboxbench.results.comparison import Metric
    from outboxbench.results.document import Loop
    from outboxbench.results.model import Arm, Run

FEWEST_RUNS: Final = 8
"""In seven runs or fewer, a step of 12% amid 2% of noise is missed in a fifth of the cases."""


class UnusableRun(Exception):
    """A run has no place among those that are followed; the message is the reason, a clause."""


class LeftOut(NamedTuple):
    """A run that is not followed, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Track:
    """What has one ratio in every run: an arm against the reference, under one load."""

    suite: str
    title: str
    """What all arms of its table have in common."""
    settings: str
    loop: Loop | None
    arm: str
    strategy: str
    reference: str
    metric: Metric

    @property
    def group(self) -> tuple[str, ...]:
        """The same for all that belongs into one chart."""
        return (self.suite, self.title, self.settings, self.loop or "", self.reference)

    @property
    def is_advisory(self) -> bool:
        """Whether its changes may not fail a build."""
        return METRICS[self.metric].is_advisory


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A run among others: where it is from, and its ratios.

    Args:
        name: of its folder.
        run: its document, without what it measured.
        ratios: arm / reference, the geometric mean over the rounds that both took part in.
    """

    name: str
    run: Run
    ratios: Mapping[Track, float]

    @property
    def revision(self) -> str | None:
        """The commit that it ran from; None where that was not recorded."""
        return self.run.environment.revision


@dataclass(frozen=True, slots=True)
class Series:
    """The runs that have a track, the oldest first."""

    track: Track
    runs: tuple[MeasuredRun, ...]

    @property
    def ratios(self) -> list[float]:
        """One a run."""
        return [run.ratios[self.track] for run in self.runs]


@dataclass(frozen=True, slots=True)
class Change:
    """From one run to the next, the ratio became another.

    Args:
        index: of the first run after it, in its series.
        before: the last run before it.
        after: the first run after it.
        ratio_before: geometric mean from the change before it, or the first run.
        ratio_after: geometric mean up to the change after it, or the last run.
        is_better: whether the arm gained against the reference.
        differences: what else is different between the two runs, `name: one → other`.
    """

    index: int
    before: MeasuredRun
    after: MeasuredRun
    ratio_before: float
    ratio_after: float
    is_better: bool
    differences: tuple[str, ...]

    @property
    def size(self) -> float:
        """By which share the ratio rose; negative where it fell."""
        return self.ratio_after / self.ratio_before - 1


@dataclass(frozen=True, slots=True)
class Trend:
    """A series with its changes, the oldest first."""

    series: Series
    changes: tuple[Change, ...]

    @property
    def has_regressed(self) -> bool:
        """Whether its newest change is one for the worse, in a metric that decides."""
        return (
            bool(self.changes)
            and not self.changes[-1].is_better
            and not self.series.track.is_advisory
        )

    @property
    def levels(self) -> list[tuple[int, int, float]]:
        """From which run to before which other the ratio stayed the same, and its mean there."""
        return _levels(self.series.ratios, [change.index for change in self.changes])


def measured_run(name: str, run: Run, reference: str | None) -> MeasuredRun:
    """Reduce a run to its ratios; `reference` is the strategy if the run names none.

    Raises UnusableRun.
    """
    if run.verdict != "pass":
        raise UnusableRun(f"its verdict is {run.verdict}")
    if not run.complete:
        raise UnusableRun("it was interrupted")
    if not run.arms:
        raise UnusableRun("it measured no throughput and no latency")
    strategy = run.reference or reference
    if strategy is None:
        raise UnusableRun("it names no strategy as its reference")
    ratios = dict(_ratios(run, strategy))
    if not ratios:
        raise UnusableRun(f"no arm of it can be held against {strategy} under the same load")
    stripped = run.model_copy(update={"arms": (), "comparisons": (), "relays": (), "faults": ()})
    return MeasuredRun(name, stripped, ratios)


def series_of(runs: Iterable[MeasuredRun]) -> list[Series]:
    """Sort runs by when they began, and return a series for every track that one of them has."""
    found: dict[Track, list[MeasuredRun]] = {}
    for run in sorted(runs, key=lambda each: each.run.started_at):
        for track in run.ratios:
            found.setdefault(track, []).append(run)
    return [Series(track, tuple(having)) for track, having in found.items()]


def trend(series: Series, indexes: Sequence[int]) -> Trend:
    """Tell of the changes of a series, given the indexes of the first runs after each."""
    levels = _levels(series.ratios, indexes)
    return Trend(
        series,
        tuple(
            _change(series, start, ratio_before, ratio_after)
            for (_, _, ratio_before), (start, _, ratio_after) in pairwise(levels)
        ),
    )


def _ratios(run: Run, strategy: str) -> Iterable[tuple[Track, float]]:
    durability = changed_durability(run.server)
    for table in comparable_arms(run):
        for arm in table.strategies:
            base = _reference_of(arm, table.strategies, strategy)
            if base is None:
                continue
            for metric in METRICS:
                logs, base_logs = logs_by_round(arm, metric), logs_by_round(base, metric)
                if both := logs.keys() & base_logs.keys():
                    track = Track(
                        suite=run.suite,
                        title=table.title,
                        settings=", ".join((table.settings_text, *durability)),
                        loop=arm.loop,
                        arm=arm.name,
                        strategy=table.label(arm),
                        reference=strategy,
                        metric=metric,
                    )
                    differences = (logs[number] - base_logs[number] for number in sorted(both))
                    yield track, math.exp(fmean(differences))


def _reference_of(arm: Arm, arms: Iterable[Arm], strategy: str) -> Arm | None:
    """Return the reference's arm that differs from this one in the strategy alone."""
    if arm.strategy == strategy:
        return None
    return next((each for each in arms if each.strategy == strategy and _alike(each, arm)), None)


def _alike(one: Arm, other: Arm) -> bool:
    # A rate that is a share of each arm's own capacity is another load for each.
    return (
        one.loop == other.loop
        and one.offered_per_s == other.offered_per_s
        and one.busy_wait_us == other.busy_wait_us
        and one.copy_number == other.copy_number
        and one.prepared_for == other.prepared_for
    )


def _levels(ratios: Sequence[float], indexes: Iterable[int]) -> list[tuple[int, int, float]]:
    bounds = [0, *sorted(indexes), len(ratios)]
    return [
        (start, end, math.exp(fmean(map(math.log, ratios[start:end]))))
        for start, end in pairwise(bounds)
    ]


def _change(series: Series, index: int, ratio_before: float, ratio_after: float) -> Change:
    before, after = series.runs[index - 1], series.runs[index]
    return Change(
        index=index,
        before=before,
        after=after,
        ratio_before=ratio_before,
        ratio_after=ratio_after,
        is_better=(ratio_after > ratio_before) == METRICS[series.track.metric].higher_is_better,
        differences=(
            *machine_differences(before.run.environment, after.run.environment),
            *software_differences(before.run, after.run),
        ),
    )
