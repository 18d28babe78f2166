"""Any transaction that a test has measured: what it needs, and what became of each time it ran."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg

from outboxbench.core.application.outcome import Outcome
from outboxbench.core.strategies import asyncpg_report, psycopg_report
from outboxbench.core.strategies.server_report import chain
from outboxbench.harness.errors import BadInput
from outboxbench.harness.postgres.server import connect
from outboxbench.testing.subject import Ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.results.block import Check
    from outboxbench.testing.benchmark_server import BenchmarkServer

Setup = Callable[[str], Awaitable[Any] | AbstractAsyncContextManager[Any]]
"""Given a DSN, what opens the resource that a transaction is given: `asyncpg.connect` will do."""

CLOSING = ("close", "aclose", "dispose")
"""How libraries call the method that closes what they opened."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """An async callable and what it needs, to be measured on a database that nobody else uses.

    Args:
        run: one operation. It is given what `setup` opened; without a `setup`, the DSN.
        schema: SQL that makes the tables and what they hold.
        setup: opens a connection, a pool or whatever else, given a DSN
            (`postgresql://user:password@host:port/database`). What it returns is awaited, or
            entered if it is an async context manager; what was awaited is closed afterwards.
        name: how it is called in messages; that of `run` if it is empty.
    """

    run: Callable[[Any], Awaitable[Any]]
    schema: str = ""
    setup: Setup | None = None
    name: str = ""


class TransactionSubject:
    """A transaction on a fresh database with its schema."""

    def __init__(self, transaction: Transaction, server: BenchmarkServer) -> None:
        self.name = transaction.name or getattr(transaction.run, "__name__", "the transaction")
        self._transaction = transaction
        self._server = server

    @contextmanager
    def database(self) -> Iterator[DatabaseAddress]:
        """Give a database that holds what the schema says."""
        with self._server.empty_database() as address:
            if self._transaction.schema:
                with connect(address) as connection:
                    try:
                        connection.execute(self._transaction.schema.encode())
                    except psycopg.Error as error:
                        raise BadInput(
                            f"the schema of {self.name} is not one that PostgreSQL takes "
                            f"({str(error).splitlines()[0]}): correct the SQL"
                        ) from None
            yield address

    @asynccontextmanager
    async def opened(
        self, address: DatabaseAddress
    ) -> AsyncIterator[Callable[[], Awaitable[Ended]]]:
        """Open what the transaction needs, and give what runs it once."""
        async with _resource(self._transaction.setup, _dsn(address)) as resource:
            yield lambda: self._run(resource)

    def checks(self, address: DatabaseAddress) -> tuple[Check, ...]:  # noqa: ARG002
        """Nothing is known of what the database should hold."""
        return ()

    async def _run(self, resource: Any) -> Ended:
        __tracebackhide__ = True
        awaitable = self._transaction.run(resource)
        if not inspect.isawaitable(awaitable):
            raise BadInput(
                f"{self.name} returned {type(awaitable).__name__}, which cannot be awaited: "
                "write it as `async def`"
            )
        try:
            await awaitable
        except Exception as error:
            outcome = Outcome.FAILED if _was_refused(error) else Outcome.INDETERMINATE
            return Ended(outcome, error)
        return Ended(Outcome.OK)


def _was_refused(error: Exception) -> bool:
    """Whether the server itself said that it did not do what was asked."""
    severities = {
        report.severity
        for each in chain(error)
        for report_of in (asyncpg_report.report_of, psycopg_report.report_of)
        if (report := report_of(each)) is not None
    }
    return severities == {"ERROR"}


@asynccontextmanager
async def _resource(setup: Setup | None, dsn: str) -> AsyncIterator[Any]:
    if setup is None:
        yield dsn
        return
    opening = setup(dsn)
    if inspect.isawaitable(opening):
        resource = await opening
        try:
            yield resource
        finally:
            await _close(resource)
    elif isinstance(opening, AbstractAsyncContextManager):
        async with opening as resource:
            yield resource
    else:
        raise BadInput(
            f"setup returned {type(opening).__name__}, which can neither be awaited nor entered: "
            "write it as `async def`, or as an async context manager"
        )


async def _close(resource: Any) -> None:
    closing = next((name for name in CLOSING if hasattr(resource, name)), None)
    if closing is not None:
        closed = getattr(resource, closing)()
        if inspect.isawaitable(closed):
            await closed


def _dsn(address: DatabaseAddress) -> str:
    user, password = quote(address.user, safe=""), quote(address.password, safe="")
    return f"postgresql://{user}:{password}@{address.host}:{address.port}/{address.database}"
