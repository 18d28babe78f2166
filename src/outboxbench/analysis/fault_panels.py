"""Which arms under faults are shown beside each other, and what is told of each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from outboxbench.analysis.verdict import as_expected
from outboxbench.results.block import OutcomeCounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.results.availability import Injection
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

Outcome: TypeAlias = Literal["failed", "indeterminate", "skipped", "ok_recovered", "ok"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("failed", "indeterminate", "skipped", "ok_recovered", "ok")
"""The worst first."""

PROFILE: Final = "profile"
"""The trait that a table may have columns for."""


@dataclass(frozen=True, slots=True)
class FaultPanel:
    """All arms of a run that went through the same fault, in the order of their names."""

    fault: str
    arms: tuple[FaultArm, ...]

    def label(self, arm: FaultArm) -> str:
        """What tells an arm from the others of the panel: its strategy, and what they differ in."""
        return " ".join((arm.strategy, *self.details(arm)))

    def details(self, arm: FaultArm, *, but: str = "") -> tuple[str, ...]:
        """The label without the strategy, and without the trait `but`, which is told elsewhere."""
        all_traits = [_traits(other) for other in self.arms]
        own = [
            trait
            for name, trait in _traits(arm).items()
            if trait and name != but and len({traits[name] for traits in all_traits}) > 1
        ]
        if self.offered_per_s is None and (rate := offered_per_s(arm)) is not None:
            own.append(f"{rate:g}/s")
        return tuple(own)

    @property
    def offered_per_s(self) -> float | None:
        """The load of all arms; None where they differ in it."""
        rates = {offered_per_s(arm) for arm in self.arms}
        return rates.pop() if len(rates) == 1 else None

    def variant(self, arm: FaultArm) -> int:
        """Number the arms of one strategy, so that they can be drawn in different ways."""
        return [other for other in self.arms if other.strategy == arm.strategy].index(arm)


def fault_panels(run: Run) -> tuple[FaultPanel, ...]:
    """Group the arms by their fault; faults and arms in the order of their names."""
    faults = sorted({arm.fault for arm in run.faults})
    return tuple(
        FaultPanel(
            fault,
            tuple(
                sorted(
                    (arm for arm in run.faults if arm.fault == fault),
                    key=lambda arm: (arm.strategy, arm.name),
                )
            ),
        )
        for fault in faults
    )


def fails_as_expected(arm: FaultArm) -> bool:
    """Whether an arm has failed by nothing but what it was there to show."""
    return arm.verdict == "fail" and as_expected(arm.checks, arm.expected_findings) == "pass"


def offered_per_s(arm: FaultArm) -> float | None:
    """Return how many operations were due each second; None where the run does not tell."""
    rate = arm.settings.get("rate_per_s")
    return rate if isinstance(rate, int | float) else None


def _traits(arm: FaultArm) -> dict[str, str]:
    """What else an arm is, in words, by its name; empty where that goes without saying."""
    slower_us = arm.settings.get("busy_wait_us")
    return {
        "loop": arm.loop,
        PROFILE: arm.profile,
        "retries": arm.retries,
        "workload": arm.workload,
        "commit": "" if arm.synchronous_commit == "on" else "synchronous_commit off",
        "find_by": "" if arm.find_by == "proxy" else "found by hosts",
        "isolation": "" if arm.isolation == "read committed" else arm.isolation,
        "slower": f"+{slower_us:g} µs" if isinstance(slower_us, int | float) and slower_us else "",
        **_relay_traits(arm),
    }


def _relay_traits(arm: FaultArm) -> dict[str, str]:
    relaying = arm.relaying
    return {
        "relays": "no relays" if relaying is None else f"{relaying.relays} relays",
        "relay_plan": "" if relaying is None else relaying.plan,
        "broker": "" if relaying is None else relaying.broker,
        "wake_up": "" if relaying is None else relaying.wake_up,
    }


def first_ok_ms(injections: Sequence[Injection]) -> list[float | None]:
    """Return the time to first ok of each; None where nothing succeeded in the span.

    An attempt that slips past a fault before it took effect tells nothing of how it was survived.
    """
    return [each.first_ok_after_effect_ms for each in injections]


def longest_gap_ms(injections: Sequence[Injection]) -> list[float | None]:
    """Return the longest gap of each; None where it had not ended when the span did."""
    return [
        None if each.first_ok_after_effect_ms is None else each.longest_gap_ms
        for each in injections
    ]


def due_in_spans(arm: FaultArm) -> OutcomeCounts:
    """Return what became of the operations that were due from the first onset on."""
    return sum((each.outcomes for each in arm.availability.injections), OutcomeCounts())


def shares_to_draw(counts: OutcomeCounts, *, least: float) -> dict[Outcome, float]:
    """Return the share of each outcome that occurred, none of them below `least`.

    What the small ones are widened by is taken from the largest, so that all add up to 1.
    """
    total = counts.attempted
    occurred: dict[Outcome, int] = {
        outcome: count for outcome in OUTCOMES if (count := getattr(counts, outcome))
    }
    shares = {outcome: max(count / total, least) for outcome, count in occurred.items()}
    if shares:
        largest = max(shares, key=lambda outcome: shares[outcome])
        shares[largest] -= sum(shares.values()) - 1
    return shares
