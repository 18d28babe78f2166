"""How asyncpg connects, listens and notifies; for whatever stands on asyncpg."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg

from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.core.strategies.asyncpg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.relay_plans.schema import CHANNEL
from outboxbench.core.strategies.server_report import translate
from outboxbench.core.strategies.settings import TARGET_SESSION_ATTRS

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.strategies.settings import DatabaseAddress, StrategySettings


def connect_arguments(settings: StrategySettings) -> dict[str, Any]:
    """Return what `asyncpg.connect` and `asyncpg.create_pool` take alike."""
    address = settings.address
    return {
        **host_arguments(address),
        "user": address.user,
        "password": address.password,
        "database": address.database,
        "ssl": address.sslmode,
        "timeout": settings.connect_timeout_s,
        "server_settings": settings.session_parameters,
    }


def host_arguments(address: DatabaseAddress) -> dict[str, Any]:
    """Return where to connect, as `asyncpg.connect` takes it."""
    if not address.other_hosts:
        return {"host": address.host, "port": address.port}
    return {
        "host": [host for host, _ in address.hosts],
        "port": [port for _, port in address.hosts],
        "target_session_attrs": TARGET_SESSION_ATTRS,
    }


async def connect_alone(settings: StrategySettings) -> asyncpg.Connection:
    """Return a connection beside every pool, which gives up itself what is never answered."""
    return await asyncpg.connect(
        **connect_arguments(settings), command_timeout=settings.answer_timeout_s
    )


async def announce(settings: StrategySettings, bell: Doorbell) -> None:
    """Notify whoever listens each time the bell is rung, over a connection of its own.

    Raises:
        PersistenceError: the connection is lost.
    """
    try:
        connection = await connect_alone(settings)
        try:
            while True:
                await bell.wait()
                bell.silence()
                await connection.execute(f"NOTIFY {CHANNEL}")
        finally:
            connection.terminate()
    except Exception as error:
        raise translate(error, report_of, disconnections=DISCONNECTIONS) from error


async def listen(settings: StrategySettings, ring: Callable[[], None]) -> None:
    """Call `ring` once the connection stands, and whenever a commit is announced.

    Raises:
        PersistenceError: the connection is lost.
    """
    lost = asyncio.Event()
    try:
        connection = await connect_alone(settings)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, lambda *_: ring())
            ring()
            await lost.wait()
        finally:
            connection.terminate()
    except Exception as error:
        raise translate(error, report_of, disconnections=DISCONNECTIONS) from error
    raise PersistenceError("the connection that listens is gone", FailureKind.CONNECTION)
