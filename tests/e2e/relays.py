"""Real relays on a real database: started, read from, killed, frozen, and found again."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.domain.ordering import OrderLine, PlaceOrder
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from tests.e2e.conftest import World

    from outboxbench.core.domain.message import Command
    from outboxbench.core.strategies.settings import DatabaseAddress

LINES = (OrderLine(1, "tea", 2, 450),)
PRICE_CENTS = 900
ORDER_TOPICS = ["order.placed", "order.stock_requested", "order.confirmed"]
LEASE_S = "1"

# Whoever settles has to wait for it.
BARRIER = """
    CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(7);
        RETURN coalesce(NEW, OLD);
    END $$;
    CREATE TRIGGER barrier BEFORE UPDATE OR DELETE ON outbox
    FOR EACH ROW EXECUTE FUNCTION wait_for_the_test()
"""
WAITS_AT_THE_BARRIER = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'advisory'
"""


class RelayRun:
    """A relay that runs, and the messages that it has written so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.received: list[dict[str, Any]] = []
        self.said: list[str] = []
        self._reading = threading.Event()
        self._readers = [
            threading.Thread(target=self._read_messages, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._reading.set()

    def stop_reading(self) -> None:
        """Let what it writes pile up until it has to wait."""
        self._reading.clear()

    def read_on(self) -> None:
        self._reading.set()

    def end(self) -> None:
        """Wait until it has ended and all that it wrote is read."""
        self.process.wait(60)
        self._reading.set()
        for reader in self._readers:
            reader.join(60)

    def _read_messages(self) -> None:
        assert self.process.stdout is not None
        while True:
            self._reading.wait()
            line = self.process.stdout.readline()
            # One that is killed may leave its last line unfinished.
            if not line.endswith("\n"):
                return
            self.received.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(self.process.stderr)


class Relays:
    """Starts relays on one database; at the end none is left."""

    def __init__(self, world: World, dsn: str) -> None:
        self._world = world
        self.runs: list[RelayRun] = []
        world.environment["OUTBOXBENCH_DSN"] = dsn

    def start(self, *options: str) -> RelayRun:
        process = self._world.start("relay", "run", "--lease", LEASE_S, *options)
        self.runs.append(RelayRun(process))
        return self.runs[-1]

    def end(self) -> None:
        for run in self.runs:
            if run.process.poll() is None:
                run.process.kill()
            run.end()
            for stream in (run.process.stdout, run.process.stderr):
                assert stream is not None
                stream.close()


class Shop:
    """Accounts and orders in a database, placed as a service would."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.address = address
        self.connection = connect(address)

    def place(self, orders: int, lines: Sequence[OrderLine] = LINES) -> list[UUID]:
        """Place orders, each on an account of its own with just the money for it."""
        return asyncio.run(self._place(orders, tuple(lines)))

    def undelivered(self) -> int:
        return self.count("SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND audience > 0")

    def count(self, query: str) -> int:
        row = self.connection.execute(query.encode()).fetchone()
        assert row is not None
        number: int = row[0]
        return number

    def pids(self, query: str) -> list[int]:
        return [row[0] for row in self.connection.execute(query.encode()).fetchall()]

    def raise_barrier(self) -> None:
        """Let no settlement through, until the barrier is lifted."""
        self.connection.execute(BARRIER)
        self.connection.execute("SELECT pg_advisory_lock(7)")

    def lift_barrier(self) -> None:
        self.connection.execute("DROP TRIGGER barrier ON outbox")
        self.connection.execute("SELECT pg_advisory_unlock(7)")

    def end_backends(self, pids: Sequence[int]) -> None:
        for pid in pids:
            self.connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    async def _place(self, orders: int, lines: tuple[OrderLine, ...]) -> list[UUID]:
        persistence = await load_strategy("asyncpg-single").open(
            StrategySettings(self.address, pool_size=1)
        )
        try:
            bus = bootstrap(persistence)

            async def handle(command: Command) -> None:
                await bus.handle(command, Attempt(uuid4()))

            placed = []
            cents = sum(line.total_cents for line in lines)
            for _ in range(orders):
                account_id, order_id = uuid4(), uuid4()
                await handle(OpenAccount(account_id=account_id))
                await handle(Deposit(account_id=account_id, amount_cents=cents))
                await handle(PlaceOrder(order_id=order_id, account_id=account_id, lines=lines))
                placed.append(order_id)
            return placed
        finally:
            await persistence.close()


def server_is_reachable(address: DatabaseAddress) -> bool:
    try:
        connect(address).close()
    except psycopg.OperationalError:
        return False
    return True
