"""Holds a unit of work at a chosen point of its transaction, without a guess at timing."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from outboxbench.testing.postgres_arena import PostgresArena

Place: TypeAlias = Literal["commit", "accounts", "order_lines"]

GATE_SQL = """
    CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$
"""
AT_COMMIT_SQL = """
    CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait_at_gate()
"""
# For each statement, and so before it locks any row.
BEFORE_UPDATE_SQL = """
    CREATE TRIGGER gate BEFORE UPDATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION wait_at_gate()
"""


class Gate:
    """An advisory lock that an outsider holds and a trigger waits for."""

    def __init__(self, arena: PostgresArena, keeper: asyncpg.Connection) -> None:
        self._arena = arena
        self._keeper = keeper

    async def reached(self) -> int:
        """Wait until a unit of work stands at the gate, and return the pid of its session."""
        return await self._arena.blocked_backend()

    async def open(self) -> None:
        """Let everybody through from now on."""
        await self._keeper.execute("SELECT pg_advisory_unlock_all()")


@asynccontextmanager
async def closed_gate(arena: PostgresArena, place: Place) -> AsyncIterator[Gate]:
    """Close a gate: in COMMIT, once messages were stored, or before a table's rows are updated.

    It is open again afterwards.
    """
    trigger = AT_COMMIT_SQL if place == "commit" else BEFORE_UPDATE_SQL.format(place)
    await arena.execute(f"{GATE_SQL}; {trigger}")
    keeper = await arena.outsider()
    await keeper.execute("SELECT pg_advisory_lock(1)")
    gate = Gate(arena, keeper)
    try:
        yield gate
    finally:
        await gate.open()
