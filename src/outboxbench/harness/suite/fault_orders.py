"""What the clients of an arm under faults are told: what they do, and how they reach it."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from outboxbench.analysis.history.availability import SLO
from outboxbench.core.strategies.settings import DatabaseAddress, StrategySettings
from outboxbench.harness.faulting.order import FaultOrder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.harness.suite.fault_plan import FaultArm
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.wire.proxy_process import FaultProxy


def order_of(arm: FaultArm, suite: Suite) -> FaultOrder:
    """Return what an arm of the suite is to go through."""
    return FaultOrder(
        name=arm.name,
        strategy=arm.strategy.name,
        loop=arm.loop,
        mix=arm.workload,
        clients=arm.clients,
        workers=arm.workers,
        rate_per_s=arm.rate_per_s,
        max_wait_s=arm.max_wait_s,
        retrying=arm.retrying,
        kind=arm.kind,
        rhythm=arm.rhythm,
        busy_wait_us=arm.busy_wait_us,
        seed=f"{suite.seed}/{arm.chances}",
        about={
            "arm": arm.name,
            "suite": suite.name,
            "seed": suite.seed,
            SLO: arm.slo_ms,
            "expected_findings": arm.expected_findings,
        },
        relaying=arm.relaying,
        environment=arm.environment,
    )


def strategy_settings_of(
    arm: FaultArm, suite: Suite, links: Sequence[FaultProxy], database: str, server_major: int
) -> StrategySettings:
    """Return how the arm's clients reach a database, which is behind these links."""
    known = [link.address(database) for link in links]
    return StrategySettings(
        address=reduce(DatabaseAddress.or_at, known),
        profile=arm.profile,
        pool_size=arm.clients // arm.workers,
        isolation=arm.isolation,
        statement_timeout_s=suite.statement_timeout_s,
        lock_timeout_s=suite.lock_timeout_s,
        connect_timeout_s=suite.connect_timeout_s,
        own_parameters={"synchronous_commit": arm.synchronous_commit},
        server_major=server_major,
    )
