"""How psycopg connects, listens and notifies; for whatever stands on psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection, conninfo, sql

from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.core.strategies.psycopg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.relay_plans.schema import CHANNEL
from outboxbench.core.strategies.server_report import translate
from outboxbench.core.strategies.settings import TARGET_SESSION_ATTRS

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.strategies.settings import DatabaseAddress, StrategySettings


def conninfo_of(settings: StrategySettings) -> str:
    """Return the connection string; it holds the password."""
    address = settings.address
    return conninfo.make_conninfo(
        **host_arguments(address),
        user=address.user,
        password=address.password,
        dbname=address.database,
        sslmode=address.sslmode,
        connect_timeout=max(2, round(settings.connect_timeout_s)),
        options=settings.startup_options,
    )


def host_arguments(address: DatabaseAddress) -> dict[str, Any]:
    """Return where to connect, as libpq takes it."""
    arguments = {
        "host": ",".join(host for host, _ in address.hosts),
        "port": ",".join(f"{port}" for _, port in address.hosts),
    }
    if address.other_hosts:
        arguments["target_session_attrs"] = TARGET_SESSION_ATTRS
    return arguments


async def announce(settings: StrategySettings, bell: Doorbell) -> None:
    """Notify whoever listens each time the bell is rung, over a connection of its own.

    Raises:
        PersistenceError: the connection is lost.
    """
    notify = sql.SQL("NOTIFY {}").format(sql.Identifier(CHANNEL))
    try:
        connection = await AsyncConnection.connect(conninfo_of(settings), autocommit=True)
        async with connection:
            while True:
                await bell.wait()
                bell.silence()
                await connection.execute(notify)
    except Exception as error:
        raise translate(error, report_of, disconnections=DISCONNECTIONS) from error


async def listen(settings: StrategySettings, ring: Callable[[], None]) -> None:
    """Call `ring` once the connection stands, and whenever a commit is announced.

    Raises:
        PersistenceError: the connection is lost.
    """
    try:
        connection = await AsyncConnection.connect(conninfo_of(settings), autocommit=True)
        async with connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            ring()
            async for _ in connection.notifies():
                ring()
    except Exception as error:
        raise translate(error, report_of, disconnections=DISCONNECTIONS) from error
    raise PersistenceError("the connection that listens is gone", FailureKind.CONNECTION)
