"""The broker of a relay under measurement, as its job names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.brokers.memory import MemoryBroker

if TYPE_CHECKING:
    from outboxbench.core.application.ports import Broker
    from outboxbench.harness.relaying.job import BrokerAddress


async def connect_broker(address: BrokerAddress) -> Broker:
    """Connect to the broker at an address.

    Raises:
        Unavailable: no broker answers there.
    """
    if address.name == "memory":
        # Nobody reads there what a process has published: it would only grow.
        return MemoryBroker(keeps=False)
    from outboxbench.core.brokers.nats import NatsBroker

    return await NatsBroker.connect(address.url, user=address.user, password=address.password)
