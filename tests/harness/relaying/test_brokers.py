"""The brokers of relays under measurement."""

from __future__ import annotations

from tests.core.brokers.messages import message_of

from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.harness.relaying.brokers import connect_broker
from outboxbench.harness.relaying.job import BrokerAddress


async def test_the_memory_of_a_relay_does_not_grow_with_what_it_has_published() -> None:
    broker = await connect_broker(BrokerAddress("memory"))
    assert isinstance(broker, MemoryBroker)
    await broker.publish(message_of())
    assert broker.published == []
