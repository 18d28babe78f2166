"""What a relay has delivered is on record, wherever it is killed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from outboxbench.core.application.delivery import MessageRefused
from outboxbench.core.application.outbox import OutboxMessage
from outboxbench.harness import segments
from outboxbench.harness.faulting.delivery_journal import (
    JournaledReceiver,
    deliveries_under_way,
    read_deliveries,
)

if TYPE_CHECKING:
    from pathlib import Path

AGGREGATE_ID = uuid4()

DIE_AMID_THE_THIRD = """
import asyncio, os, signal, sys
from pathlib import Path
from uuid import uuid4
from outboxbench.core.application.outbox import OutboxMessage
from outboxbench.harness.faulting.delivery_journal import JournaledReceiver

class DiesAtTheThird:
    received = 0
    async def deliver(self, message):
        self.received += 1
        if self.received == 3:
            os.kill(os.getpid(), signal.SIGKILL)

async def main():
    receiver = JournaledReceiver(DiesAtTheThird(), Path(sys.argv[1]), 7)
    for version in range(1, 5):
        await receiver.deliver(
            OutboxMessage(uuid4(), 0, "order", uuid4(), version, "order.placed", 2, "{}")
        )

asyncio.run(main())
"""


def message(version: int, op_id: UUID | None = None) -> OutboxMessage:
    return OutboxMessage(
        op_id or uuid4(), 1, "order", AGGREGATE_ID, version, "order.placed", 2, "{}"
    )


class Receiver:
    """Refuses version 2, and looks at the journal amid every delivery."""

    def __init__(self, folder: Path) -> None:
        self.under_way: list[tuple[str, ...]] = []
        self._folder = folder

    async def deliver(self, message: OutboxMessage) -> None:
        self.under_way.append(deliveries_under_way(self._folder, 0))
        if message.version == 2:
            raise MessageRefused("it is the second")


async def test_a_delivery_is_on_record_from_hand_over_to_confirmation(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path)
    journaled = JournaledReceiver(receiver, tmp_path, 0)
    first, second, third = message(1), message(2), message(3)
    await journaled.deliver(first)
    with pytest.raises(MessageRefused):
        await journaled.deliver(second)
    await journaled.deliver(third)

    # What is refused is neither under way any more nor delivered.
    assert receiver.under_way == [(f"{each.op_id.hex}/1",) for each in (first, second, third)]
    assert deliveries_under_way(tmp_path, 0) == ()
    records = read_deliveries(tmp_path)
    assert [record["op_id"].tobytes() for record in records] == [
        first.op_id.bytes,
        third.op_id.bytes,
    ]
    assert {record["aggregate_id"].tobytes() for record in records} == {AGGREGATE_ID.bytes}
    assert records["version"].tolist() == [1, 3]
    assert records["ordinal"].tolist() == [1, 1]
    assert (records["handed_ns"] <= records["delivered_ns"]).all()


def test_a_record_that_fills_its_file_is_followed_in_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_RECORDS", 2)
    journaled = JournaledReceiver(Receiver(tmp_path), tmp_path, 0)
    for version in (1, 3, 4, 5, 6):
        asyncio.run(journaled.deliver(message(version)))
    assert len(list(tmp_path.iterdir())) == 3
    assert read_deliveries(tmp_path)["version"].tolist() == [1, 3, 4, 5, 6]


def test_what_a_killed_relay_had_in_hand_is_known_and_not_taken_for_delivered(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DIE_AMID_THE_THIRD, str(tmp_path)], timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert read_deliveries(tmp_path)["version"].tolist() == [1, 2]
    assert len(deliveries_under_way(tmp_path, 7)) == 1


def test_without_relays_nothing_is_delivered(tmp_path: Path) -> None:
    assert len(read_deliveries(tmp_path)) == 0
    assert list(tmp_path.iterdir()) == []
