"""Every delivery on record while it happens, in files that outlive the relay which writes them.

A record is written when a message is handed over, and ended once its receivers have confirmed it,
before the relay settles it: in memory that is mapped to a file, which the kernel keeps where the
relay is killed between two instructions. So whatever is settled is on record. What was delivered
and is not on record was not settled either, and is delivered again.
"""

from __future__ import annotations

import mmap
from struct import Struct
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from outboxbench.harness.relaying.records import DELIVERY, read_records
from outboxbench.results.history import message_id

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from outboxbench.core.application.outbox import OutboxMessage
    from outboxbench.core.application.ports import Receiver

SEGMENT_RECORDS: Final = 65_536
"""Deliveries in a file; the next one is begun when it is full."""

_UNDER_WAY: Final = 0
_NOT_DELIVERED: Final = -1
_HANDED_OVER: Final = Struct("<16sh16siq")
_END: Final = Struct("<q")
_SIZE: Final = DELIVERY.itemsize


class JournaledReceiver:
    """Delivers to a receiver, and keeps a record of it.

    Args:
        receiver: where messages go.
        folder: where the files are.
        relay: the number of the relay, which they are named after.
    """

    def __init__(self, receiver: Receiver, folder: Path, relay: int) -> None:
        self._receiver = receiver
        self._folder = folder
        self._relay = relay
        self._segments = 0
        self._place = 0
        self._memory = self._new_segment()

    async def deliver(self, message: OutboxMessage) -> None:
        """Deliver a message, and have it on record by the time of the return."""
        memory, place = self._next_place()
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

    def _next_place(self) -> tuple[mmap.mmap, int]:
        place = self._place
        if place == SEGMENT_RECORDS * _SIZE:
            # Not closed: deliveries that are under way still write their end there.
            self._memory = self._new_segment()
            place = 0
        self._place = place + _SIZE
        return self._memory, place

    def _new_segment(self) -> mmap.mmap:
        path = self._folder / f"relay-{self._relay}-{self._segments:05}.deliveries"
        self._segments += 1
        with path.open("xb+") as file:
            file.truncate(SEGMENT_RECORDS * _SIZE)
            return mmap.mmap(file.fileno(), 0)


def read_deliveries(folder: Path) -> NDArray[Any]:
    """Read what all relays have delivered, in the order of confirmations; shape (deliveries,)."""
    parts = [read_records(path, DELIVERY) for path in sorted(folder.glob("*.deliveries"))]
    records = np.concatenate([np.empty(0, DELIVERY), *parts])
    delivered = records[records["delivered_ns"] > 0]
    return delivered[delivered["delivered_ns"].argsort(kind="stable")]


def deliveries_under_way(folder: Path, relay: int) -> tuple[str, ...]:
    """Return the messages that a relay has handed over and that are neither confirmed nor refused.

    Each by its id, as the history has it.
    """
    found: list[str] = []
    for path in folder.glob(f"relay-{relay}-*.deliveries"):
        records = read_records(path, DELIVERY)
        under_way = (records["handed_ns"] > 0) & (records["delivered_ns"] == _UNDER_WAY)
        found.extend(
            message_id(record["op_id"].tobytes().hex(), int(record["ordinal"]))
            for record in records[under_way]
        )
    return tuple(found)
