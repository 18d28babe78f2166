"""Connects again and again while a server is away, as a supervisor would start a process anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from outboxbench.core.application.delivery import Unavailable
from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.core.strategies.server_report import translate
from outboxbench.harness.relaying.brokers import connect_broker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outboxbench.core.application.ports import Broker, Persistence
    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.core.strategies.settings import StrategySettings
    from outboxbench.harness.relaying.job import BrokerAddress

_AGAIN_S: Final = 0.05
_OUTAGES: Final = frozenset({FailureKind.CONNECTION, FailureKind.TIMEOUT})
# Whom the server does not know, and what it does not have, it will not later either.
_FOR_GOOD: Final = ("28", "3D", "42")
_T = TypeVar("_T")


async def open_persistently(strategy: Strategy, settings: StrategySettings) -> Persistence:
    """Open a strategy as soon as its server lets it in.

    What a library raises is raised again where no server that comes back would change it. libpq
    gives no SQLSTATE with a refusal, so that over psycopg nobody can tell.
    """
    return await _once_it_works(
        lambda: strategy.open(settings), lambda error: _is_outage(error, strategy.driver)
    )


async def connect_broker_persistently(address: BrokerAddress) -> Broker:
    """Connect to a broker as soon as it answers."""
    return await _once_it_works(
        lambda: connect_broker(address), lambda error: isinstance(error, Unavailable)
    )


async def _once_it_works(
    attempt: Callable[[], Awaitable[_T]], is_outage: Callable[[Exception], bool]
) -> _T:
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_outage(error):
                raise
        await asyncio.sleep(_AGAIN_S)


def _is_outage(error: Exception, driver: str) -> bool:
    """Tell whether the server was away, starting up, full or going down: drivers raise as it is."""
    meaning = error if isinstance(error, PersistenceError) else _meaning(error, driver)
    return meaning.kind in _OUTAGES and not (meaning.sqlstate or "").startswith(_FOR_GOOD)


def _meaning(error: Exception, driver: str) -> PersistenceError:
    # Only the driver in use is imported: a worker starts with what it measures and no more.
    match driver:
        case "asyncpg":
            from outboxbench.core.strategies import asyncpg_report

            return translate(
                error, asyncpg_report.report_of, disconnections=asyncpg_report.DISCONNECTIONS
            )
        case "psycopg":
            from outboxbench.core.strategies import psycopg_report

            return translate(
                error, psycopg_report.report_of, disconnections=psycopg_report.DISCONNECTIONS
            )
    return translate(error, lambda _: None)
