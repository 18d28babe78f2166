"""Which arms of a run are compared with which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from outboxbench.harness.suite.plan import ServiceArm, StrategyArm
from outboxbench.harness.suite.rates import RelativeRate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from outboxbench.harness.suite.plan import PlannedArm

AnyArm = TypeVar("AnyArm", StrategyArm, ServiceArm)


def pairs(arms: Iterable[PlannedArm], reference: str | None) -> list[tuple[PlannedArm, PlannedArm]]:
    """Return (base, head) for every arm that has a base among the arms.

    An arm in another environment than the base is compared with the one in the base, and one on
    another server likewise. Else one that
    was slowed on purpose is compared with the one that was not, one whose database is prepared for
    a relay with the one whose is not, every second copy with the copy before it, and every strategy
    with the `reference` under the same load, if there is one. An arm whose rate is a share of its
    own capacity shares its load with no other.
    """
    arms = tuple(arms)
    measured = [arm for arm in arms if isinstance(arm, StrategyArm)]
    services = [arm for arm in arms if isinstance(arm, ServiceArm)]
    bases: list[tuple[PlannedArm | None, PlannedArm]] = [
        *((_base_of(arm, measured, reference), arm) for arm in measured),
        *((_reference_of(arm, services, reference), arm) for arm in services),
    ]
    return [(base, arm) for base, arm in bases if base is not None]


def _base_of(
    arm: StrategyArm, arms: list[StrategyArm], reference: str | None
) -> StrategyArm | None:
    if _has_a_rate_of_its_own(arm):
        return None
    if arm.environment is not None and not arm.environment.is_base:
        return next((other for other in arms if _is_in_base(other, arm)), None)
    if arm.server is not None and not arm.server.is_base:
        return next((other for other in arms if _is_on_base(other, arm)), None)
    if arm.busy_wait_us:
        wanted = replace(arm, busy_wait_us=0.0)
    elif arm.prepared_for != "nothing":
        wanted = replace(arm, prepared_for="nothing")
    elif arm.copy_number > 1:
        if arm.copy_number % 2:
            return None
        wanted = replace(arm, copy_number=arm.copy_number - 1)
    else:
        return _reference_of(arm, arms, reference)
    return wanted if wanted in arms else None


def _is_in_base(other: StrategyArm, arm: StrategyArm) -> bool:
    environment = other.environment
    is_base = environment is not None and environment.is_base
    return is_base and replace(other, environment=arm.environment) == arm


def _is_on_base(other: StrategyArm, arm: StrategyArm) -> bool:
    server = other.server
    is_base = server is not None and server.is_base
    return is_base and replace(other, server=arm.server) == arm


def _reference_of(arm: AnyArm, arms: Sequence[AnyArm], reference: str | None) -> AnyArm | None:
    """Return the arm of the reference under the same load; the reference itself has none."""
    if reference is None or arm.strategy.name == reference:
        return None
    return next(
        (
            other
            for other in arms
            if other.strategy.name == reference and replace(other, strategy=arm.strategy) == arm
        ),
        None,
    )


def _has_a_rate_of_its_own(arm: StrategyArm) -> bool:
    if arm.open_loop is None:
        return False
    rate = arm.open_loop.rate
    return isinstance(rate, RelativeRate) and rate.of == "own"
