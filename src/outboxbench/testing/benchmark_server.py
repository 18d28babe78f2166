"""The server that `persistence_benchmark` measures on, one a session, and its databases."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres import extensions, wal
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.final_state import read_final_state
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.harness.wire.proxy_process import WireProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.server import Server
    from outboxbench.results.final_state import FinalState

SETTINGS = {
    # Who else writes would be counted, and timed.
    "autovacuum": "off",
    "bgwriter_lru_maxpages": "0",
}
"""Beside those of every embedded server, which is durable: times are those of real commits."""

SIZE = DatasetSize(accounts=1_000, orders=200)
"""What the databases of strategies hold."""

_LAST_TRANSACTION_ID = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


class BenchmarkServer:
    """An embedded server, the wire proxy in front of it, and fresh databases.

    Args:
        server: on which nothing else happens.
        proxy: through which it is reached where what passes is to be counted.
        connection: a superuser's, to its maintenance database.
        stack: ends with the server.
    """

    def __init__(
        self,
        server: Server,
        proxy: WireProxy,
        connection: psycopg.Connection[Any],
        stack: ExitStack,
    ) -> None:
        self.proxy = proxy
        self.major = server.major
        self._server = server
        self._connection = connection
        self._stack = stack
        self._numbers = count(1)
        self._empty = self._databases()
        self._filled: Databases | None = None
        self._filling: FinalState | None = None
        self._reads_wal = extensions.has_extension(connection, wal.EXTENSION)

    @contextmanager
    def empty_database(self) -> Iterator[DatabaseAddress]:
        """Give a database without tables, which is dropped afterwards."""
        with self._fresh(self._empty) as address:
            yield address

    @contextmanager
    def filled_database(self) -> Iterator[tuple[DatabaseAddress, FinalState]]:
        """Give one with the tables and the data of strategies, and what it holds."""
        if self._filled is None or self._filling is None:
            self._filled = self._databases()
            template = self._filled.create_template(lambda each: prepare_template(each, SIZE))
            self._filling = read_final_state(template)
        with self._fresh(self._filled) as address:
            yield address, self._filling

    def through_proxy(self, address: DatabaseAddress) -> DatabaseAddress:
        """Return the address of a database as seen through the proxy."""
        return self.proxy.address(address.database)

    def wal_position(self) -> str:
        """Return where the next record of the log goes."""
        return wal.wal_position(self._connection)

    def wal_since(self, position: str) -> wal.WalVolume | None:
        """Return what was written since; None where the server has no extension to tell."""
        if not self._reads_wal:
            return None
        return wal.wal_between(self._connection, position, self.wal_position())

    def last_transaction_id(self) -> int:
        """Return what grows with every transaction that writes, of whatever database."""
        row = self._connection.execute(_LAST_TRANSACTION_ID).fetchone()
        assert row is not None
        last: int = row[0]
        return last

    def _databases(self) -> Databases:
        token = f"bench{secrets.token_hex(4)}"
        return self._stack.enter_context(Databases(self._server, token, go_with_server=True))

    @contextmanager
    def _fresh(self, databases: Databases) -> Iterator[DatabaseAddress]:
        address = databases.create(f"t{next(self._numbers)}")
        try:
            yield address
        finally:
            databases.drop(address)


@contextmanager
def open_benchmark_server() -> Iterator[BenchmarkServer]:
    """Start the server, and end it with all that belongs to it.

    Raises:
        CannotRun: this machine cannot do it.
    """
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor, SETTINGS))
        proxy = stack.enter_context(WireProxy(server.address, janitor))
        connection = stack.enter_context(connect(server.address))
        yield BenchmarkServer(server, proxy, connection, stack)
