"""Every delivery on record while it happens, in files that outlive the relay which writes them.

A record is written when a message is handed over, and ended once its receivers have confirmed it,
before the relay settles it. So whatever is settled is on record, also where the relay is killed.
What was delivered and is not on record was not settled either, and is delivered again.
"""

from __future__ import annotations

from struct import Struct
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from outboxbench.harness.relaying.records import DELIVERY
from outboxbench.harness.segments import Segments, read_segments
from outboxbench.results.history import message_id

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from outboxbench.core.application.outbox import OutboxMessage
    from outboxbench.core.application.ports import Receiver

_UNDER_WAY: Final = 0
_NOT_DELIVERED: Final = -1
_HANDED_OVER: Final = Struct("<16sh16siq")
_END: Final = Struct("<q")
_KIND: Final = "deliveries"


class JournaledReceiver:
    """Delivers to a receiver, and keeps a record of it.

    Args:
        receiver: where messages go.
        folder: where the files are.
        relay: the number of the relay, which they are named after.
    """

    def __init__(self, receiver: Receiver, folder: Path, relay: int) -> None:
        self._receiver = receiver
        self._segments = Segments(folder, _writer(relay), _KIND, DELIVERY)

    async def deliver(self, message: OutboxMessage) -> None:
        """Deliver a message, and have it on record by the time of the return."""
        memory, place = self._segments.next_place()
        _HANDED_OVER.pack_into(
            memory,
            place,
            message.op_id.bytes,
            message.ordinal,
            message.aggregate_id.bytes,
            message.version,
            monotonic_ns(),
        )
        end = place + _HANDED_OVER.size
        try:
            await self._receiver.deliver(message)
        except BaseException:
            _END.pack_into(memory, end, _NOT_DELIVERED)
            raise
        _END.pack_into(memory, end, monotonic_ns())


def read_deliveries(folder: Path) -> NDArray[Any]:
    """Read what all relays have delivered, in the order of confirmations; shape (deliveries,)."""
    parts = read_segments(folder, _KIND, DELIVERY)
    records = np.concatenate([np.empty(0, DELIVERY), *parts])
    delivered = records[records["delivered_ns"] > 0]
    return delivered[delivered["delivered_ns"].argsort(kind="stable")]


def deliveries_under_way(folder: Path, relay: int) -> tuple[str, ...]:
    """Return the messages that a relay has handed over and that are neither confirmed nor refused.

    Each by its id, as the history has it.
    """
    found: list[str] = []
    for records in read_segments(folder, _KIND, DELIVERY, _writer(relay)):
        under_way = (records["handed_ns"] > 0) & (records["delivered_ns"] == _UNDER_WAY)
        found.extend(
            message_id(record["op_id"].tobytes().hex(), int(record["ordinal"]))
            for record in records[under_way]
        )
    return tuple(found)


def _writer(relay: int) -> str:
    return f"relay-{relay}"
