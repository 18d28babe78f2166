"""Orders go through two relays, one of which is killed again and again: is anything lost?

    python bench/evidence/relays_killed.py --seconds 60 --every 5

Orders are placed at a steady rate, each on an account of its own with just the money for it. Two
`outboxbench relay run` processes deliver to the handlers and to NATS JetStream; every few seconds
one of the two, in turn, is killed with SIGKILL and started anew. At the end the stream, in the
order in which it stored, is held against the messages that were committed, and the orders against
their accounts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import sysconfig
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from uuid import UUID, uuid4

import nats
from psycopg.conninfo import make_conninfo

from outboxbench.analysis.relay_checks import duplicates, judge_chain, judge_deliveries
from outboxbench.analysis.verdict import combine
from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outbox import RelayPlan
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.brokers.nats import STREAM, SUBJECT_PREFIX
from outboxbench.core.domain.ordering import OrderLine, PlaceOrder
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.nats.server import USER, NatsServer
from outboxbench.harness.postgres.chain_state import read_chain
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.relay_database import prepare_database
from outboxbench.results.block import Check
from outboxbench.results.deliveries import Deliveries, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.results.deliveries import MessageKey

EXECUTABLE = Path(sysconfig.get_path("scripts")) / "outboxbench"
LINES = (OrderLine(1, "tea", 2, 450),)
PRICE_CENTS = 900
LEASE_S = "2"
PATIENCE_S = 120.0
# Where messages are deleted, a copy tells what was due; nobody else sees it.
KEEP_A_COPY = """
    CREATE TABLE due (op_id uuid, ordinal smallint, aggregate_id uuid, version integer);
    CREATE FUNCTION note_due() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO due SELECT op_id, ordinal, aggregate_id, version FROM stored
        WHERE audience & 2 <> 0;
        RETURN NULL;
    END $$;
    CREATE TRIGGER note_due AFTER INSERT ON outbox REFERENCING NEW TABLE AS stored
    FOR EACH STATEMENT EXECUTE FUNCTION note_due()
"""
UNDELIVERED = "SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND audience > 0"
DUE = "SELECT op_id, ordinal, aggregate_id, version FROM due"
# An order that was charged for once took exactly its price from its account.
UNPAID_OR_PAID_TWICE = """
    SELECT count(*) FROM orders JOIN accounts ON accounts.id = account_id
    WHERE status <> 'confirmed' OR balance_cents <> 0
"""


class Relays:
    """Two relay processes; `kill_next` kills one and starts it anew."""

    def __init__(
        self, plan: RelayPlan, environment: dict[str, str], broker: str, janitor: Janitor
    ) -> None:
        self._janitor = janitor
        self._command = [
            str(EXECUTABLE), "relay", "run", "--plan", plan, "--broker", broker, "--lease", LEASE_S,
        ]  # fmt: skip
        self._environment = environment
        self._processes = [self._start() for _ in range(2)]
        self.kills = 0

    def kill_next(self) -> None:
        number = self.kills % 2
        self._processes[number].kill()
        self._processes[number].wait()
        self._processes[number] = self._start()
        self.kills += 1

    def end(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait(30)

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._janitor.watch_process(process.pid, signal.SIGTERM)
        return process


async def place_orders(address: DatabaseAddress, seconds: float, rate: float) -> int:
    """Place orders at a steady rate; return how many."""
    persistence = await load_strategy("asyncpg-single").open(StrategySettings(address, pool_size=8))
    bus = bootstrap(persistence)
    placed = 0

    async def place() -> None:
        account_id = uuid4()
        for command in (
            OpenAccount(account_id=account_id),
            Deposit(account_id=account_id, amount_cents=PRICE_CENTS),
            PlaceOrder(order_id=uuid4(), account_id=account_id, lines=LINES),
        ):
            await bus.handle(command, Attempt(uuid4()))

    try:
        began_s = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            while (now_s := time.monotonic() - began_s) < seconds:
                while placed < now_s * rate:
                    tasks.create_task(place())
                    placed += 1
                await asyncio.sleep(0.005)
    finally:
        await persistence.close()
    return placed


async def kill_now_and_then(relays: Relays, seconds: float, every_s: float) -> None:
    ends_s = time.monotonic() + seconds
    while time.monotonic() + every_s < ends_s:
        await asyncio.sleep(every_s)
        await asyncio.to_thread(relays.kill_next)


async def stored_in(server: NatsServer) -> list[MessageKey]:
    """Return the ids of the messages of the stream, in its order."""
    client = await nats.connect(server.url, user=USER, password=server.password)
    try:
        stream = client.jetstream()
        expected = (await stream.stream_info(STREAM)).state.messages
        reader = await stream.subscribe(f"{SUBJECT_PREFIX}>", ordered_consumer=True)
        found: list[MessageKey] = []
        while len(found) < expected:
            message = await reader.next_msg(timeout=10)
            op_id, _, ordinal = (message.headers or {})["Nats-Msg-Id"].partition("/")
            found.append((UUID(op_id), int(ordinal)))
        return found
    finally:
        await client.close()


def run(plan: RelayPlan, seconds: float, every_s: float, rate: float) -> Sequence[Check]:
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor))
        broker = stack.enter_context(NatsServer(janitor))
        address = stack.enter_context(Databases(server, "killed")).create("orders")
        with connect(address) as connection:
            connection.execute(schema_sql())
            connection.execute(KEEP_A_COPY)
        prepare_database(address, plan, announces=True)
        relays = Relays(plan, _environment(address, broker), broker.url, janitor)
        try:
            placed, _ = asyncio.run(_both(address, relays, seconds, every_s, rate))
            _wait_until_delivered(address)
        finally:
            relays.end()
        with connect(address) as connection:
            due = {
                (op_id, ordinal): Place(aggregate_id, version, ordinal)
                for op_id, ordinal, aggregate_id, version in connection.execute(DUE)
            }
            (off,) = connection.execute(UNPAID_OR_PAID_TWICE).fetchone() or (0,)
        deliveries = Deliveries(due, asyncio.run(stored_in(broker)))
        checks = [*judge_deliveries(deliveries)]
        if plan != "delete":
            checks.append(judge_chain(read_chain(address)))
        checks.append(
            Check.of(
                "every order took its price from its account once",
                passed=off == 0,
                detail=f"{off} of {placed} orders did not",
            )
        )
        print(
            f"plan {plan}: {seconds:g} s, {placed} orders, {len(due)} messages for the outside, "
            f"{relays.kills} relays killed, {duplicates(deliveries)} duplicates in the stream"
        )
    return checks


async def _both(
    address: DatabaseAddress, relays: Relays, seconds: float, every_s: float, rate: float
) -> tuple[int, None]:
    return await asyncio.gather(
        place_orders(address, seconds, rate), kill_now_and_then(relays, seconds, every_s)
    )


def _environment(address: DatabaseAddress, broker: NatsServer) -> dict[str, str]:
    dsn = make_conninfo(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        dbname=address.database,
    )
    return {
        **os.environ,
        "OUTBOXBENCH_DSN": dsn,
        "NATS_USER": USER,
        "NATS_PASSWORD": broker.password,
    }


def _wait_until_delivered(address: DatabaseAddress) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    with connect(address) as connection:
        while time.monotonic() < deadline_s:
            row = connection.execute(UNDELIVERED).fetchone()
            if row == (0,):
                return
            time.sleep(0.1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", type=float, default=5, help="seconds between two kills")
    parser.add_argument("--rate", type=float, default=100, help="orders per second")
    parser.add_argument("--plans", nargs="+", choices=get_args(RelayPlan), default=["lease"])
    options = parser.parse_args()
    verdicts = []
    for plan in options.plans:
        checks = run(plan, options.seconds, options.every, options.rate)
        for check in checks:
            print(f"  {check.verdict}: {check.name}: {check.detail}", flush=True)
        verdicts += [check.verdict for check in checks]
    verdict = combine(verdicts)
    print(f"verdict: {verdict}")
    return 0 if verdict == "pass" else 1


if __name__ == "__main__":
    sys.exit(main())
