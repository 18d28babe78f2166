"""A database whose outbox is relayed: found to have one, and given what a relay plan needs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg

from outboxbench.core.replication.opening import open_log_outbox
from outboxbench.core.replication.slot import SlotUnavailable, prepare_slot
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.relay_plans.schema import relay_schema_sql
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.errors import BadInput, CannotRun
from outboxbench.harness.postgres.databases import PREFIX
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.core.application.outbox import AnyRelayPlan
    from outboxbench.core.application.ports import Outbox
    from outboxbench.core.strategies.settings import DatabaseAddress

# The plan of a database whose slot is there is `log`, whatever it was before.
_HAS_SLOT = """
    SELECT to_regclass('relay_parked') IS NOT NULL AND EXISTS (
        SELECT FROM pg_replication_slots WHERE slot_name = current_database())"""

# What the relay's tables are made under, so that two relays that start together do not collide.
_LOCK = "SELECT pg_advisory_lock(hashtext('outboxbench relay'))"


def prepare_database(address: DatabaseAddress, plan: AnyRelayPlan, *, announces: bool) -> int:
    """Make the tables of an empty database, and what the plan needs in any; all may be there.

    Returns:
        The major version of its server, which a relay's settings depend on.

    Raises:
        BadInput: the database is somebody else's, or cannot be reached.
        CannotRun: its role may not make tables, or the server does not let its log be read.
    """
    with _connected(address) as connection:
        connection.execute(_LOCK)
        if not _is_so(connection, "SELECT to_regclass('outbox') IS NOT NULL"):
            connection.execute(schema_sql())
        try:
            connection.execute(relay_schema_sql(plan, announces=announces))
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotRun(
                f"{address.user} may not make the relay's tables ({_first_line(error)}): "
                f"let the owner of {address.database} start the first relay"
            ) from error
        if plan == "log":
            try:
                prepare_slot(connection)
            except SlotUnavailable as error:
                raise CannotRun(str(error)) from error
        return connection.info.server_version // 10_000


@asynccontextmanager
async def open_relay_database(address: DatabaseAddress) -> AsyncIterator[Outbox]:
    """Yield the outbox of a database that a relay has worked on.

    Raises:
        BadInput: the database is somebody else's, cannot be reached, or no relay has worked on it.
    """
    with _connected(address) as connection:
        if not _is_so(connection, "SELECT to_regclass('relay_refusals') IS NOT NULL"):
            raise BadInput(
                f"no relay has worked on {address.database}: start one with `outboxbench relay run`"
            )
        is_log = _is_so(connection, _HAS_SLOT)
    if is_log:
        outbox = await open_log_outbox(StrategySettings(address), lambda: None)
        try:
            yield outbox
        finally:
            await outbox.close()
        return
    persistence = await load_strategy("asyncpg").open(StrategySettings(address, pool_size=1))
    try:
        yield persistence.outbox("lease", lease_s=0)
    finally:
        await persistence.close()


def _connected(address: DatabaseAddress) -> psycopg.Connection[tuple[object, ...]]:
    if not address.database.startswith(PREFIX):
        raise BadInput(
            f"the database {address.database} is left alone: "
            f"name one whose name begins with {PREFIX}"
        )
    try:
        return connect(address)
    except psycopg.OperationalError as error:
        raise BadInput(
            f"the database {address.database} cannot be reached ({_first_line(error)}): "
            "check the DSN, and that the server runs"
        ) from None


def _is_so(connection: psycopg.Connection[tuple[object, ...]], question: str) -> bool:
    row = connection.execute(question.encode()).fetchone()
    return row is not None and bool(row[0])


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
