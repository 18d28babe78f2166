"""What HTTP adds to an operation: a service against the same load in process, round by round."""

from __future__ import annotations

import math
from statistics import mean, stdev
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.comparable import is_over_http
from outboxbench.analysis.from_scipy import t_quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outboxbench.results.block import Block
    from outboxbench.results.model import Arm, Run

_UPPER_QUANTILE: Final = 0.975


class Difference(NamedTuple):
    """The mean of differences, one a round, with its two-sided 95% t-interval."""

    mean: float
    low: float
    high: float


class HttpCost(NamedTuple):
    """A service and its twin in process; None where that is not known of two rounds."""

    service: Arm
    in_process: Arm
    cpu_us: Difference | None
    """CPU of the service for an operation beyond that of the process that asks for it itself."""
    p50_us: Difference | None
    """Of what clients see."""


def http_costs(run: Run) -> tuple[HttpCost, ...]:
    """Return what HTTP adds for every service that has a twin, in the order of the run."""
    costs = []
    for service in run.arms:
        # A relay beside a service has a share of the server that its twin in process keeps.
        if not is_over_http(service.settings) or service.settings.get("relays"):
            continue
        twin = next((arm for arm in run.arms if _are_twins(service, arm)), None)
        if twin is not None:
            costs.append(
                HttpCost(
                    service,
                    twin,
                    cpu_us=_difference(service, twin, _cpu_us),
                    p50_us=_difference(service, twin, lambda block: block.latency_us.p50),
                )
            )
    return tuple(costs)


def difference(values: Sequence[float]) -> Difference | None:
    """Return the mean of the values with its interval; None where there are fewer than two."""
    if len(values) < 2:
        return None
    middle = mean(values)
    half = t_quantile(len(values) - 1, _UPPER_QUANTILE) * stdev(values) / math.sqrt(len(values))
    return Difference(middle, middle - half, middle + half)


def _are_twins(service: Arm, arm: Arm) -> bool:
    return (
        arm.role == "strategy"
        and not is_over_http(arm.settings)
        and arm.offered_per_s is None
        and not arm.busy_wait_us
        and arm.copy_number == 1
        and arm.prepared_for is None
        and "network_rtt_ms" not in arm.settings
        and (arm.strategy, arm.loop, arm.profile, arm.workload)
        == (service.strategy, service.loop, service.profile, service.workload)
        and arm.settings.get("clients") == service.settings.get("clients")
    )


def _difference(
    service: Arm, twin: Arm, read: Callable[[Block], float | None]
) -> Difference | None:
    in_process = {block.round: read(block) for block in twin.blocks}
    return difference(
        [
            over_http - alone
            for block in service.blocks
            if (over_http := read(block)) is not None
            and (alone := in_process.get(block.round)) is not None
        ]
    )


def _cpu_us(block: Block) -> float | None:
    return block.counters.client_cpu_us_per_op
