"""The thesis put to the test: is a service that handles its traffic faster hurt less by failures?

Four claims, each a rank correlation over the arms that met the same fault. What is in flight at the
onset follows from Little's law [1]: arrivals a second times the time that each takes. A fault
interrupts some of that; what waits meanwhile is caught up with out of headroom.

[1] J. D. C. Little, "A Proof for the Queuing Formula L = λW", Operations Research 9 (1961).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from outboxbench.analysis.from_scipy import rank_correlation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outboxbench.results.document import Verdict
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

FEWEST_POINTS: Final = 5
"""Arms under the same fault; the ranks of fewer say nothing."""
CLEAR: Final = 0.7
"""A rank correlation from which on a claim holds; from its negative on, the contrary does."""

Answer: TypeAlias = Literal["held", "did not show", "was contradicted", "cannot be told"]
Reason: TypeAlias = Literal[
    "too few arms", "too few that differ", "capacity not measured", "no SLO was named"
]
"""Why something cannot be told."""


@dataclass(frozen=True, slots=True)
class ThesisPoint:
    """An arm under its fault: how fast it is when nothing fails, and what became of it.

    Figures are means over its injections, except `caught_up_ms`, a median in which an injection
    that was never caught up with counts as longer than all others; None if half of them were not.
    `interrupted` were in flight at the onset and failed or stayed in doubt, `hurt` are all that
    failed, stayed in doubt or were skipped; `on_time` is the share of all that were due.
    `headroom` is what its clients can do at most beyond the offered load, as a multiple of that:
    below 0 where they cannot keep up with it, and None where nobody measured what they can do.
    """

    strategy: str
    slower_us: float
    fault: str
    rate_per_s: float
    service_ms: float
    in_flight: float
    expected_in_flight: float
    interrupted: float
    hurt: float
    capacity_per_s: float | None
    headroom: float | None
    caught_up_ms: float | None
    expected_caught_up_ms: float | None
    on_time: float | None
    verdict: Verdict

    @property
    def name(self) -> str:
        """The strategy, and by how much it was slowed."""
        return f"{self.strategy} +{self.slower_us:g} µs" if self.slower_us else self.strategy


class Claim(NamedTuple):
    """What the thesis says: `effect` rises with `cause`, where both are known of an arm.

    `missing` is why they are not, where they are not.
    """

    says: str
    cause: Callable[[ThesisPoint], float | None]
    effect: Callable[[ThesisPoint], float | None]
    missing: Reason = "too few arms"


class Finding(NamedTuple):
    """What the arms under a fault say of a claim. `rho` is Spearman's, of so many `points`.

    Where there is none, `reason` says why.
    """

    claim: Claim
    fault: str
    points: int
    rho: float | None
    reason: Reason | None = None

    @property
    def answer(self) -> Answer:
        """Whether the ranks agree with the claim."""
        if self.rho is None:
            return "cannot be told"
        if self.rho >= CLEAR:
            return "held"
        return "was contradicted" if self.rho <= -CLEAR else "did not show"


CLAIMS: Final = (
    Claim(
        "the longer operations take, the more are in flight at the onset",
        lambda point: point.expected_in_flight,
        lambda point: point.in_flight,
    ),
    Claim(
        "the more are in flight, the more are interrupted for good",
        lambda point: point.in_flight,
        lambda point: point.interrupted,
    ),
    Claim(
        "the less headroom, the longer it takes to catch up",
        lambda point: None if point.headroom is None else -point.headroom,
        # Who never caught up took longer than all others.
        lambda point: math.inf if point.caught_up_ms is None else point.caught_up_ms,
        missing="capacity not measured",
    ),
    Claim(
        "the longer operations take, the fewer are served in time",
        lambda point: point.service_ms,
        lambda point: None if point.on_time is None else -point.on_time,
        missing="no SLO was named",
    ),
)


def thesis_points(run: Run) -> tuple[ThesisPoint, ...]:
    """Return a point for every arm under a fault whose clean time was measured."""
    points = (_point(arm) for arm in run.faults)
    return tuple(point for point in points if point is not None)


def findings(points: Sequence[ThesisPoint]) -> tuple[Finding, ...]:
    """Rank the arms of each fault by each claim, claim by claim; faults by their names."""
    faults = sorted({point.fault for point in points})
    return tuple(
        _finding(claim, fault, [point for point in points if point.fault == fault])
        for claim in CLAIMS
        for fault in faults
    )


def _point(arm: FaultArm) -> ThesisPoint | None:
    injections = arm.availability.injections
    clean = [(each, each.baseline) for each in injections if each.baseline is not None]
    services_ms = [base.service_ms for _, base in clean if base.service_ms is not None]
    rate_per_s = _number(arm, "rate_per_s")
    if not services_ms or not rate_per_s:
        return None
    service_ms = fmean(services_ms)
    capacity_per_s = arm.capacity_per_s
    headroom = None if capacity_per_s is None else capacity_per_s / rate_per_s - 1
    outage_ms = _median([each.first_ok_after_effect_ms for each in injections])
    attempted = sum(each.outcomes.attempted for each in injections)
    on_time = [each.on_time for each in injections if each.on_time is not None]
    cut = [each.in_flight_outcomes for each in injections]
    due = [each.outcomes for each in injections]
    return ThesisPoint(
        strategy=arm.strategy,
        slower_us=_number(arm, "busy_wait_us"),
        fault=arm.fault,
        rate_per_s=rate_per_s,
        service_ms=service_ms,
        in_flight=fmean(each.in_flight_at_onset for each in injections),
        expected_in_flight=rate_per_s * service_ms / 1000,
        interrupted=fmean(each.failed + each.indeterminate for each in cut),
        hurt=fmean(each.attempted - each.good for each in due),
        capacity_per_s=capacity_per_s,
        headroom=headroom,
        caught_up_ms=_median([each.caught_up_ms for each in injections]),
        # What came in the outage at the offered rate is served at the rate that is left over.
        expected_caught_up_ms=None
        if outage_ms is None or headroom is None or headroom <= 0
        else outage_ms * (1 + 1 / headroom),
        on_time=sum(on_time) / attempted if on_time and attempted else None,
        verdict=arm.verdict,
    )


def _number(arm: FaultArm, setting: str) -> float:
    value = arm.settings.get(setting)
    return float(value) if isinstance(value, int | float) else 0.0


def _median(values: Sequence[float | None]) -> float | None:
    """The median, where those that never came count as longer than all others."""
    middle = median(math.inf if value is None else value for value in values)
    return None if middle == math.inf else middle


def _finding(claim: Claim, fault: str, points: Sequence[ThesisPoint]) -> Finding:
    pairs = [(claim.cause(point), claim.effect(point)) for point in points]
    known = [(cause, effect) for cause, effect in pairs if cause is not None and effect is not None]
    if len(known) < FEWEST_POINTS:
        reason: Reason = claim.missing if len(points) >= FEWEST_POINTS else "too few arms"
        return Finding(claim, fault, len(known), None, reason)
    if any(_are_mostly_alike(values) for values in zip(*known, strict=True)):
        return Finding(claim, fault, len(known), None, "too few that differ")
    return Finding(claim, fault, len(known), rank_correlation(known))


def _are_mostly_alike(values: Sequence[float]) -> bool:
    """Tell whether more than half are equal: ranks would then be those of a few stragglers."""
    ((_, most),) = Counter(values).most_common(1)
    return 2 * most > len(values)
