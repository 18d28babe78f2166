"""A database as outsiders see it: its state read with plain SQL, its sessions watched and ended."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import asyncpg

from outboxbench.core.application.inbox import InboxEntry
from outboxbench.core.domain.ordering import OrderLine
from outboxbench.testing.stored import StoredAccount, StoredMessage, StoredOrder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType
    from uuid import UUID

    from outboxbench.core.strategies.settings import DatabaseAddress

_POLL_INTERVAL_S = 0.002
_OUTSIDER = "outboxbench outsider"

_MESSAGES_SQL = """
    SELECT op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state
    FROM outbox
"""
# Whoever is not an outsider is a unit of work's: a strategy may name its sessions as it likes.
_BACKENDS_SQL = """
    SELECT pid
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
      AND application_name <> $1
"""


class ObservedDatabase:
    """What an arena reads past its strategy, and how it gets in that strategy's way.

    `patience_s` is how long anything may take before the test that waits for it fails.
    """

    def __init__(self, address: DatabaseAddress, patience_s: float) -> None:
        self.address = address
        self.patience_s = patience_s
        self._exits = AsyncExitStack()
        self._observer: asyncpg.Connection

    async def __aenter__(self) -> Self:
        try:
            self._observer = await self.outsider()
            await self._observer.set_type_codec(
                "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
            )
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._exits.aclose()

    @property
    def server_major(self) -> int:
        """The server's major version."""
        return self._observer.get_server_version().major

    async def outsider(self) -> asyncpg.Connection:
        """Return a new session beside the strategy's; it is closed at the end of the test."""
        connection = await asyncpg.connect(
            host=self.address.host,
            port=self.address.port,
            user=self.address.user,
            password=self.address.password,
            database=self.address.database,
            ssl=self.address.sslmode,
            timeout=self.patience_s,
            server_settings={"application_name": _OUTSIDER},
        )
        self._exits.push_async_callback(connection.close)
        return connection

    async def execute(self, statements: str) -> None:
        """Run statements, such as those that prepare the scene, in a transaction of their own."""
        await self._observer.execute(statements)

    async def fetch(self, query: str, *parameters: object) -> list[Any]:
        """Return the rows of a query."""
        return await self._observer.fetch(query, *parameters)

    async def account(self, id: UUID) -> StoredAccount | None:
        """Return what is committed of an account."""
        rows = await self.fetch("SELECT id, version, balance_cents FROM accounts WHERE id = $1", id)
        return StoredAccount(*rows[0]) if rows else None

    async def order(self, id: UUID) -> StoredOrder | None:
        """Return what is committed of an order."""
        # One statement: a root and lines of different moments would be a torn read of our own.
        rows = await self.fetch(
            "SELECT id, version, account_id, status, tags, line_no, sku, quantity, unit_price_cents"
            " FROM orders LEFT JOIN order_lines ON order_id = id WHERE id = $1 ORDER BY line_no",
            id,
        )
        if not rows:
            return None
        lines = tuple(OrderLine(*row[5:]) for row in rows if row["line_no"] is not None)
        order_id, version, account_id, status, tags = rows[0][:5]
        return StoredOrder(order_id, version, account_id, status, tuple(tags), lines)

    async def messages(self, op_id: UUID) -> list[StoredMessage]:
        """Return the committed messages of an operation, by ordinal."""
        rows = await self.fetch(f"{_MESSAGES_SQL} WHERE op_id = $1 ORDER BY ordinal", op_id)
        return [StoredMessage(*row) for row in rows]

    async def messages_about(self, aggregate_id: UUID) -> list[StoredMessage]:
        """Return the committed messages of an aggregate, by version and ordinal."""
        rows = await self.fetch(
            f"{_MESSAGES_SQL} WHERE aggregate_id = $1 ORDER BY version, ordinal", aggregate_id
        )
        return [StoredMessage(*row) for row in rows]

    async def inbox(self) -> set[InboxEntry]:
        """Return every committed inbox entry."""
        rows = await self.fetch("SELECT handler, op_id, ordinal FROM inbox")
        return {InboxEntry(*row) for row in rows}

    async def until(self, what: str, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a condition holds.

        Raises:
            AssertionError: it did not in `patience_s`; `what` says which.
        """
        deadline = asyncio.get_running_loop().time() + self.patience_s
        while not await condition():
            assert asyncio.get_running_loop().time() < deadline, f"never came: {what}"
            await asyncio.sleep(_POLL_INTERVAL_S)

    @asynccontextmanager
    async def patience(self, what: str) -> AsyncIterator[None]:
        """Do not wait for ever.

        Raises:
            AssertionError: what is done in this context was not ready in `patience_s`.
        """
        try:
            async with asyncio.timeout(self.patience_s):
                yield
        except TimeoutError:
            raise AssertionError(f"never came: {what}") from None

    async def backends(self, condition: str = "true") -> list[int]:
        """Return the pids of the strategy's sessions that meet an SQL condition."""
        rows = await self.fetch(f"{_BACKENDS_SQL} AND {condition}", _OUTSIDER)
        return [row["pid"] for row in rows]

    async def blocked_backend(self) -> int:
        """Wait until a unit of work waits for a lock, and return the pid of its session."""
        pids: list[int] = []

        async def is_blocked() -> bool:
            pids[:] = await self.backends("wait_event_type = 'Lock'")
            return bool(pids)

        await self.until("a unit of work that waits for a lock", is_blocked)
        return pids[0]

    async def blocked_outsider(self, outsider: asyncpg.Connection) -> None:
        """Wait until an outsider waits for a lock."""
        query = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
        pid = outsider.get_server_pid()

        async def is_blocked() -> bool:
            return bool((await self.fetch(query, pid))[0][0])

        await self.until("an outsider that waits for a lock", is_blocked)

    async def terminate(self, *pids: int) -> None:
        """Kill sessions, and wait until they are gone."""
        await self.fetch("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", pids)
        await self.gone(*pids)

    async def gone(self, *pids: int) -> None:
        """Wait until sessions have ended."""

        async def are_gone() -> bool:
            return not set(pids) & set(await self.backends())

        await self.until("the end of a session", are_gone)

    async def settled(self) -> None:
        """Wait until no session of the strategy is in a transaction any more."""

        async def is_quiet() -> bool:
            return not await self.backends("state <> 'idle'")

        await self.until("the end of every transaction", is_quiet)
