"""How long messages took from their commit to their receivers, hop by hop of an order's chain."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from outboxbench.results.relay import Hop


@dataclass(frozen=True, slots=True)
class OrderChain:
    """The operations of an order: placed, charged for, closed. Each determines the next."""

    placed: UUID
    charged: UUID
    closed: UUID

    @classmethod
    def of(cls, placed: UUID) -> OrderChain:
        """Derive the ids that handlers run the following commands under."""
        charged = _following(placed)
        return cls(placed, charged, _following(charged))


def hop_latencies_ns(
    orders: Iterable[UUID],
    committed_ns: Mapping[bytes, int],
    deliveries: NDArray[Any],
) -> dict[Hop, list[int]]:
    """Return the latencies of each hop, in ns, of those that were seen from end to end.

    Args:
        orders: the operations that placed the orders to look at.
        committed_ns: when each operation was known to be committed.
        deliveries: DELIVERY records; of a message that came twice the first counts.
    """
    handed: dict[tuple[bytes, int], int] = {}
    delivered: dict[tuple[bytes, int], int] = {}
    for record in deliveries:
        key = (record["op_id"].tobytes(), int(record["ordinal"]))
        handed[key] = min(handed.get(key, 2**63), int(record["handed_ns"]))
        delivered[key] = min(delivered.get(key, 2**63), int(record["delivered_ns"]))
    found: dict[Hop, list[int]] = defaultdict(list)

    def note(hop: Hop, since: UUID, until_ns: int | None) -> None:
        since_ns = committed_ns.get(since.bytes)
        if since_ns is not None and until_ns is not None:
            # A relay may have delivered before the writer was told of its commit.
            found[hop].append(max(0, until_ns - since_ns))

    for placed in orders:
        chain = OrderChain.of(placed)
        for_handlers = ((chain.placed, 0), (chain.charged, 0))
        for_the_broker = ((chain.placed, 1), (chain.closed, 0))
        for op_id, ordinal in for_handlers:
            note("handler", op_id, handed.get((op_id.bytes, ordinal)))
        for op_id, ordinal in for_the_broker:
            note("broker", op_id, delivered.get((op_id.bytes, ordinal)))
        for op_id, ordinal in (*for_handlers, *for_the_broker):
            note("delivery", op_id, delivered.get((op_id.bytes, ordinal)))
        note("chain", chain.placed, delivered.get((chain.closed.bytes, 0)))
    return found


def backlog_over_time(
    committed_ns: Iterable[int], delivered_ns: Iterable[int], begins_ns: int, interval_ns: int
) -> tuple[int, ...]:
    """Return how many messages were committed and not delivered at the end of each interval.

    Args:
        committed_ns: when each message was committed.
        delivered_ns: when each of them was first delivered.
        begins_ns: the first interval begins here.
        interval_ns: how long an interval is; the last one holds the last event.
    """
    changes: dict[int, int] = defaultdict(int)
    before = 0
    for moment_ns, change in (
        *((moment_ns, 1) for moment_ns in committed_ns),
        *((moment_ns, -1) for moment_ns in delivered_ns),
    ):
        if moment_ns < begins_ns:
            before += change
        else:
            changes[(moment_ns - begins_ns) // interval_ns] += change
    waiting = before
    counts = []
    for interval in range(max(changes, default=-1) + 1):
        waiting += changes[interval]
        counts.append(max(0, waiting))
    return tuple(counts)


def _following(op_id: UUID) -> UUID:
    # As `InternalDelivery` derives it: from the message, its first, and the only answer to it.
    return uuid5(uuid5(op_id, "0"), "0")
