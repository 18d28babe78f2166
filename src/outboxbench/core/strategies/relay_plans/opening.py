"""Opens the outbox of a database under a relay plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.strategies.relay_plans.lease import LeaseOutbox
from outboxbench.core.strategies.relay_plans.sharded import ShardedOutbox

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.ports import Outbox
    from outboxbench.core.strategies.relay_plans.executor import SqlExecutor


def open_outbox(executor: SqlExecutor, plan: RelayPlan, lease_s: float) -> Outbox:
    """Return the outbox as one relay sees it; the schema of the plan must have been applied."""
    match plan:
        case "lease":
            return LeaseOutbox(executor, lease_s, removes=False)
        case "delete":
            return LeaseOutbox(executor, lease_s, removes=True)
        case "sharded":
            return ShardedOutbox(executor, lease_s)
