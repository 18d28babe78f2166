"""What the faults of a broker have in common: the broker, and what its outage has cost messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.probes import errands

if TYPE_CHECKING:
    from outboxbench.harness.faults.scene import Scene
    from outboxbench.harness.nats.server import NatsServer

# Of those that no handler receives: whatever they were refused for, it was the broker.
_SPENT_SQL: Final = """
    SELECT coalesce(sum(refusals), 0)
    FROM relay_refusals JOIN outbox USING (aggregate_type, aggregate_id, version, ordinal)
    WHERE audience = 2"""


def own_broker(scene: Scene) -> NatsServer:
    """Return the broker that relays publish to.

    Raises:
        CannotRun: there is none of ours.
    """
    if scene.broker is None:
        raise CannotRun('there is no broker that could be hit: give the suite brokers = ["nats"]')
    return scene.broker


def attempts_spent(scene: Scene) -> int:
    """Return how many attempts at messages for the broker alone count as refusals right now.

    An outage must not cost any. They are forgotten once their message is delivered, so the time to
    ask is before the broker takes any.
    """
    with errands(scene.address) as connection:
        ((spent,),) = connection.execute(_SPENT_SQL.encode()).fetchall()
    return int(spent)
