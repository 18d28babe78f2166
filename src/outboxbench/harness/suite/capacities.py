"""What the arms of an open loop can do in a closed one: what rates in per cent refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.suite.plan import StrategyArm
from outboxbench.harness.suite.rates import FixedRate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outboxbench.harness.suite.plan import OpenLoop, Plan


def arms_to_size(plan: Plan) -> tuple[StrategyArm, ...]:
    """Return the closed loops whose throughput some rate is a share of."""
    relative = (arm for arm, load in _open_loops(plan) if not isinstance(load.rate, FixedRate))
    return tuple(dict.fromkeys(arm.as_closed_loop for arm in relative))


def offered_rates(
    plan: Plan, capacities_per_s: Mapping[StrategyArm, float]
) -> dict[StrategyArm, float]:
    """Return the arrivals per second of every open loop.

    `capacities_per_s` are those of the closed loops that `arms_to_size` names.

    Raises:
        CannotRun: an arm did nothing at all, so that no share of it is a rate.
    """
    for closed_loop, capacity_per_s in capacities_per_s.items():
        if capacity_per_s <= 0:
            raise CannotRun(
                f"the arm {closed_loop.name} did not commit a single operation, so there is no "
                "rate to offer it: see why with a suite without rates"
            )
    return {arm: _offered_per_s(arm, load, capacities_per_s) for arm, load in _open_loops(plan)}


def _offered_per_s(
    arm: StrategyArm, load: OpenLoop, capacities_per_s: Mapping[StrategyArm, float]
) -> float:
    rate = load.rate
    if isinstance(rate, FixedRate):
        return rate.per_s
    if rate.of == "own":
        return rate.percent / 100 * capacities_per_s[arm.as_closed_loop]
    table = _load_of(arm.as_closed_loop)
    capacity_per_s = min(
        capacity for other, capacity in capacities_per_s.items() if _load_of(other) == table
    )
    return rate.percent / 100 * capacity_per_s


def _load_of(arm: StrategyArm) -> object:
    """What the arms of a table have in common."""
    return (
        arm.workload,
        arm.profile,
        arm.isolation,
        arm.clients,
        arm.pool_size,
        arm.workers,
        arm.network_rtt_ms,
    )


def _open_loops(plan: Plan) -> Iterable[tuple[StrategyArm, OpenLoop]]:
    for arm in plan.arms:
        if isinstance(arm, StrategyArm) and arm.open_loop is not None:
            yield arm, arm.open_loop
