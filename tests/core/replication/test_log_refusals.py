"""What becomes of a message that is refused after it was read from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from tests.core.replication.reader import connected, reader_of, until_confirmed

from outboxbench.core.application.outbox import Refusal, Settlement

if TYPE_CHECKING:
    from tests.core.replication.conftest import Log

LATER = Refusal("not now", 1, retry_in_s=3_600)
SOON = Refusal("not yet", 1, retry_in_s=0.01)
NEVER = Refusal("never", 8, retry_in_s=None)


async def test_a_refused_message_is_parked_with_what_follows_and_the_log_moves_on(
    log: Log,
) -> None:
    reader, order, other = await connected(log), uuid4(), uuid4()
    with log.connection.transaction():
        for version in (1, 2, 3):
            log.write(order, version)
    (run,) = await reader.runs(3)
    log.write(other)
    await reader.outbox.settle([Settlement(run, 1, LATER)])
    assert await reader.drained(1) == [(other, 1, 0)]
    log.write(order, 4)
    last = uuid4()
    log.write(last)
    assert await reader.drained(1) == [(last, 1, 0)]
    await until_confirmed(log)
    status = await reader.outbox.status()
    (refused,) = status.refused
    assert (status.undelivered, status.aggregates, status.held) == (3, 1, 3)
    assert (refused.aggregate_id, refused.version, refused.reason) == (order, 2, "not now")
    assert status.retained_wal_bytes is not None

    # A successor finds it as it was left, and the operator lets it go.
    await reader.outbox.close()
    following = await connected(log)
    assert await following.outbox.redrive(uuid4()) == 0
    assert await following.outbox.redrive(order) == 1
    assert await following.drained(3) == [(order, version, 0) for version in (2, 3, 4)]
    log.write(order, 5)
    assert await following.drained(1) == [(order, 5, 0)]
    assert log.value("SELECT count(*) FROM relay_parked") == 0


async def test_a_parked_message_comes_again_when_due_and_tells_how_often_it_was_refused(
    log: Log,
) -> None:
    reader, order = await connected(log), uuid4()
    log.write(order)
    for refusals in range(3):
        (run,) = await reader.runs()
        assert (run.refusals, len(run.messages)) == (refusals, 1)
        again = Refusal(SOON.reason, refusals + 1, SOON.retry_in_s)
        await reader.outbox.settle([Settlement(run, 0, again)])
    await reader.drained(1)
    status = await reader.outbox.status()
    assert (status.undelivered, list(status.refused)) == (0, [])


async def test_a_dead_message_stays_until_it_is_redriven(log: Log) -> None:
    reader, order = await connected(log), uuid4()
    log.write(order)
    (run,) = await reader.runs()
    await reader.outbox.settle([Settlement(run, 0, NEVER)])
    other = uuid4()
    log.write(other)
    assert await reader.drained(1) == [(other, 1, 0)]
    (refused,) = (await reader.outbox.status()).refused
    assert refused.next_attempt_at is None
    assert await reader.outbox.redrive() == 1
    (again,) = await reader.runs()
    assert (again.aggregate_id, again.refusals) == (order, 0)


async def test_what_arrives_while_a_parked_run_is_on_its_way_follows_it(log: Log) -> None:
    reader, order = await connected(log), uuid4()
    log.write(order, 1)
    (run,) = await reader.runs()
    await reader.outbox.settle([Settlement(run, 0, SOON)])
    (again,) = await reader.runs()
    log.write(order, 2)
    marker = uuid4()
    log.write(marker)
    assert await reader.drained(1) == [(marker, 1, 0)]
    await reader.deliver(again)
    assert await reader.drained(1) == [(order, 2, 0)]


async def test_what_is_parked_already_is_parked_once_when_the_log_brings_it_again(
    log: Log,
) -> None:
    reader, blocking, order = await connected(log), uuid4(), uuid4()
    log.write(blocking)
    log.write(order, 1)
    runs = await reader.runs(2)
    await reader.outbox.settle([Settlement(runs[1], 0, LATER)])
    await reader.outbox.close()
    following = await reader_of(log)
    assert await following.drained(1) == [(blocking, 1, 0)]
    marker = uuid4()
    log.write(marker)
    assert await following.drained(1) == [(marker, 1, 0)]
    assert log.value("SELECT count(*) FROM relay_parked") == 1
