"""What a relay may rely on that reads the log: order, redelivery, and who takes over."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from tests.core.replication.reader import MANY, PATIENCE_S, connected, reader_of, until_confirmed

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.inbox import InboxEntry
from outboxbench.core.application.outbox import Refusal, Settlement
from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.core.replication import reading
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from tests.core.replication.conftest import Log

LATER = Refusal("not now", 1, retry_in_s=3_600)


async def test_what_a_transaction_stored_comes_in_the_order_of_its_history(log: Log) -> None:
    reader, order = await connected(log), uuid4()
    with log.connection.transaction():
        for version, ordinal in ((2, 0), (1, 1), (1, 0)):
            log.write(order, version, ordinal)
        log.write(order, 3, audience=0)
    (run,) = await reader.runs(3)
    assert [(each.version, each.ordinal) for each in run.messages] == [(1, 0), (1, 1), (2, 0)]
    assert json.loads(run.messages[0].state) == {"version": 1}


async def test_transactions_come_in_the_order_of_their_commits_and_none_that_rolled_back(
    log: Log,
) -> None:
    reader = await connected(log)
    first, second, undone = uuid4(), uuid4(), uuid4()
    with connect(log.address) as late, connect(log.address) as rolled_back:
        late.execute("BEGIN")
        log.write(second, on=late)
        rolled_back.execute("BEGIN")
        log.write(undone, on=rolled_back)
        log.write(first)
        rolled_back.execute("ROLLBACK")
        late.execute("COMMIT")
    assert await reader.drained(2) == [(first, 1, 0), (second, 1, 0)]


async def test_a_commit_rings(log: Log) -> None:
    doorbell = Doorbell()
    outbox = await log.open(doorbell)
    await outbox.claim(MANY)
    doorbell.silence()
    waiting = asyncio.create_task(doorbell.wait(PATIENCE_S))
    log.write(uuid4())
    await waiting
    assert len(await outbox.claim(MANY)) == 1


async def test_what_arrives_for_an_aggregate_on_its_way_waits_until_it_is_back(log: Log) -> None:
    reader, order, other = await connected(log), uuid4(), uuid4()
    log.write(order, 1)
    (run,) = await reader.runs()
    log.write(order, 2)
    log.write(other)
    (of_other,) = await reader.runs()
    assert of_other.aggregate_id == other
    assert (await reader.outbox.settle([Settlement(run, 1)])).has_more
    (rest,) = await reader.runs()
    assert [each.version for each in rest.messages] == [2]
    assert not (await reader.outbox.settle([Settlement(rest, 1)])).has_more


async def test_what_was_not_delivered_of_a_run_comes_again(log: Log) -> None:
    reader, order = await connected(log), uuid4()
    with log.connection.transaction():
        log.write(order, 1)
        log.write(order, 2)
    (run,) = await reader.runs(2)
    assert (await reader.outbox.settle([Settlement(run, 1)])).has_more
    (rest,) = await reader.runs()
    assert [each.version for each in rest.messages] == [2]


async def test_what_is_not_settled_comes_again_after_a_crash_and_what_is_confirmed_does_not(
    log: Log,
) -> None:
    reader, first, second = await connected(log), uuid4(), uuid4()
    log.write(first)
    (run,) = await reader.runs()
    await reader.deliver(run)
    await until_confirmed(log)
    log.write(second)
    assert [each.aggregate_id for each in await reader.runs()] == [second]
    await reader.outbox.close()

    following = await reader_of(log)
    assert await following.drained(1) == [(second, 1, 0)]
    await until_confirmed(log)
    await following.outbox.close()
    last = await connected(log)
    third = uuid4()
    log.write(third)
    assert await last.drained(1) == [(third, 1, 0)]


async def test_nothing_behind_an_unsettled_transaction_is_confirmed(log: Log) -> None:
    reader, first, second = await connected(log), uuid4(), uuid4()
    log.write(first)
    log.write(second)
    runs = await reader.runs(2)
    await reader.deliver(runs[1])
    await reader.outbox.close()
    following = await reader_of(log)
    assert await following.drained(2) == [(first, 1, 0), (second, 1, 0)]


async def test_a_second_reader_waits_until_the_first_is_gone_and_takes_over(log: Log) -> None:
    first, order = await connected(log), uuid4()
    log.write(order)
    (run,) = await first.runs()
    second = await reader_of(log)
    with pytest.raises(PersistenceError, match="is active") as caught:
        await second.outbox.claim(MANY)
    assert caught.value.kind is FailureKind.CONNECTION
    assert log.value(
        "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots"
        " WHERE slot_name = current_database()"
    )
    (taken,) = await second.runs()
    assert [each.op_id for each in taken.messages] == [each.op_id for each in run.messages]
    settled = await first.outbox.settle([Settlement(run, 0, LATER)])
    assert list(settled.lost) == [run], "a stale relay's settlement was accepted"
    assert await first.outbox.renew([run.lease.token]) == []
    assert await second.outbox.renew([taken.lease.token]) == [taken.lease.token]
    await second.deliver(taken)
    assert log.value("SELECT count(*) FROM relay_parked") == 0


async def test_a_stream_that_breaks_begins_again_and_old_runs_are_lost(log: Log) -> None:
    reader, order = await connected(log), uuid4()
    log.write(order, 1)
    (run,) = await reader.runs()
    log.value(
        "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots"
        " WHERE slot_name = current_database()"
    )
    log.write(order, 2)
    found = await reader.runs(2)
    assert [each.version for again in found for each in again.messages] == [1, 2]
    assert list((await reader.outbox.settle([Settlement(run, 1)])).lost) == [run]
    await reader.deliver(*found)


async def test_more_than_fits_is_read_as_room_is_made(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_MESSAGES", 10)
    reader, order = await connected(log), uuid4()
    for version in range(1, 101):
        log.write(order, version)
    (run, *_) = await reader.runs()
    assert (await reader.outbox.status()).undelivered <= 11
    await reader.deliver(run)
    rest = await reader.drained(100 - len(run.messages))
    expected = range(len(run.messages) + 1, 101)
    assert [version for _, version, _ in rest] == list(expected)


async def test_a_message_that_a_transaction_emits_is_delivered_without_a_row(log: Log) -> None:
    reader, order, op_id = await connected(log), uuid4(), uuid4()
    message = {
        "op_id": str(op_id),
        "ordinal": 0,
        "aggregate_type": "order",
        "aggregate_id": str(order),
        "version": 1,
        "topic": "order.placed",
        "audience": 2,
        "state": {"total_cents": 7},
    }
    for content in ("no JSON", "[]", json.dumps(message | {"version": None}), json.dumps(message)):
        log.connection.execute(
            "SELECT pg_logical_emit_message(true, 'outbox', %s::text)", (content,)
        )
    (run,) = await reader.runs()
    (found,) = run.messages
    assert (found.op_id, found.topic, found.state) == (op_id, "order.placed", '{"total_cents":7}')
    assert len(log.observed) == 3


async def test_what_was_committed_before_the_slot_was_made_is_delivered_too(log: Log) -> None:
    order = uuid4()
    log.value("SELECT pg_drop_replication_slot(current_database())::text")
    log.write(order, 1)
    prepare_database(log.address, "log", announces=False)
    prepare_database(log.address, "log", announces=False)
    log.write(order, 2)
    reader = await reader_of(log)
    assert await reader.drained(2) == [(order, 1, 0), (order, 2, 0)]


async def test_only_what_is_old_enough_is_tidied_away(log: Log) -> None:
    reader = await reader_of(log)
    log.write(uuid4())
    assert await reader.outbox.tidy(0, MANY) == 0, "removed while the log is not read"
    await reader.drained(1)
    assert await reader.outbox.tidy(3_600, MANY) == 0
    assert await reader.outbox.tidy(0, MANY) == 1


async def test_an_outbox_knows_what_a_handler_has_handled(log: Log) -> None:
    reader, entry = await reader_of(log), InboxEntry("deposit", uuid4(), 1)
    assert not await reader.outbox.was_handled(entry)
    log.connection.execute(
        "INSERT INTO inbox (handler, op_id, ordinal) VALUES ('deposit', %s, 1)", (entry.op_id,)
    )
    assert await reader.outbox.was_handled(entry)
