"""Doubts about what so many rounds on a noisy machine can say."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final

from outboxbench.results.model import RunWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.model import Arm, Run

ENOUGH_ROUNDS: Final = 5
WIDE_SPREAD: Final = 0.25
WIDE_INTERVAL: Final = 1.25
"""Upper end of an interval over its lower one."""
DRIFT_LIMIT: Final = 0.15
FEWEST_ROUNDS_FOR_DRIFT: Final = 4


def doubts(run: Run) -> Iterator[RunWarning]:
    """Yield what the rounds of a run and its comparisons give rise to."""
    if run.rounds < ENOUGH_ROUNDS:
        yield RunWarning(
            code="few-rounds",
            message=f"{run.rounds} rounds say little about the noise between rounds",
            advice=f"run with --rounds {ENOUGH_ROUNDS} or more",
        )
    yield from _wide_spread(run)
    yield from _drift(run)
    yield from _comparisons(run)


def _wide_spread(run: Run) -> Iterator[RunWarning]:
    wide = [
        arm.name
        for arm in run.arms
        # What an open loop does is given, and by chance more or less is due.
        if (summary := arm.summary) is not None
        and arm.offered_per_s is None
        and summary.ok_per_s_max - summary.ok_per_s_min > WIDE_SPREAD * summary.ok_per_s_median
    ]
    if wide:
        yield RunWarning(
            code="wide-spread",
            message=f"in {len(wide)} of {len(run.arms)} arms the rounds differ by more than "
            f"{WIDE_SPREAD:.0%} of their median",
            advice="run on a quiet machine, or with longer windows (--duration) and more --rounds",
        )


def _drift(run: Run) -> Iterator[RunWarning]:
    drifts = [each for arm in run.arms if (each := _drift_of(arm)) is not None]
    drift = median(drifts) if drifts else 0.0
    if abs(drift) > DRIFT_LIMIT:
        yield RunWarning(
            code="drifting-machine",
            message=f"the second half of the run was {abs(drift):.0%} "
            f"{'faster' if drift > 0 else 'slower'} than the first",
            advice="trust the ratios, which are taken round by round, and not the absolute figures",
        )


def _drift_of(arm: Arm) -> float | None:
    """How much faster the second half of a closed loop's rounds was, by its median."""
    if arm.offered_per_s is not None or len(arm.blocks) < FEWEST_ROUNDS_FOR_DRIFT:
        return None
    rates = [block.ok_per_s for block in sorted(arm.blocks, key=lambda block: block.round)]
    middle = len(rates) // 2
    earlier, later = median(rates[:middle]), median(rates[-middle:])
    return later / earlier - 1 if earlier else None


def _comparisons(run: Run) -> Iterator[RunWarning]:
    deciding = [each for each in run.comparisons if not each.is_advisory]
    if not deciding:
        return
    if run.calibrated_at is None:
        yield RunWarning(
            code="not-calibrated",
            message="how much this machine's figures differ when nothing differs is not known, so "
            "5% count as a difference",
            advice="run `outboxbench calibrate` once on this machine",
        )
    wide = [each for each in deciding if each.high / each.low > WIDE_INTERVAL]
    if wide:
        widest = max(wide, key=lambda each: math.log(each.high / each.low))
        yield RunWarning(
            code="wide-interval",
            message=f"{len(wide)} of {len(deciding)} comparisons have a wide interval, up to "
            f"{widest.low:.2f} to {widest.high:.2f} ({widest.head}, {widest.metric})",
            advice="run with more --rounds: the interval shrinks with their square root",
        )
    open_questions = sum(each.decision == "inconclusive" for each in deciding)
    if open_questions:
        yield RunWarning(
            code="inconclusive",
            message=f"{open_questions} of {len(deciding)} comparisons are inconclusive"
            + (f", after {run.rounds_added} added rounds" if run.rounds_added else ""),
            advice="run with more --rounds, and see `outboxbench calibrate` for how many it takes",
        )
