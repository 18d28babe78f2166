"""The broker in memory: it keeps what it is given, or nothing."""

from __future__ import annotations

from tests.core.brokers.messages import message_of

from outboxbench.core.brokers.memory import MemoryBroker


async def test_every_message_is_kept_those_that_came_twice_as_well() -> None:
    broker = MemoryBroker()
    one = message_of()
    await broker.publish(one)
    await broker.publish(one)
    await broker.close()
    assert broker.published == [one, one]


async def test_one_that_keeps_nothing_takes_no_memory() -> None:
    broker = MemoryBroker(keeps=False)
    await broker.publish(message_of())
    assert broker.published == []
