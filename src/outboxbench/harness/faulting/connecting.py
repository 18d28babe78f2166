"""Connects again and again while a server is away, as a supervisor would start a process anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from outboxbench.core.application.delivery import Unavailable
from outboxbench.core.application.outcome import PersistenceError
from outboxbench.harness.relaying.brokers import connect_broker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outboxbench.core.application.ports import Broker, Persistence
    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.core.strategies.settings import StrategySettings
    from outboxbench.harness.relaying.job import BrokerAddress

_AGAIN_S: Final = 0.05
_T = TypeVar("_T")


async def open_persistently(strategy: Strategy, settings: StrategySettings) -> Persistence:
    """Open a strategy as soon as its server lets it in."""
    return await _once_it_works(lambda: strategy.open(settings), (PersistenceError, OSError))


async def connect_broker_persistently(address: BrokerAddress) -> Broker:
    """Connect to a broker as soon as it answers."""
    return await _once_it_works(lambda: connect_broker(address), (Unavailable,))


async def _once_it_works(
    attempt: Callable[[], Awaitable[_T]], outages: tuple[type[Exception], ...]
) -> _T:
    while True:
        try:
            return await attempt()
        except outages:
            await asyncio.sleep(_AGAIN_S)
