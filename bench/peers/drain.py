"""A backlog drained by our relay and by two job queues, side by side on one server.

    python bench/peers/drain.py --rounds 5

In each round every contestant drains a backlog once, in random order, each in a process of its own
on a fresh database; the clock runs from the word go until the last message is settled. PgQueuer
drains its own benchmark's workload, at the batch size and the number of tasks that a first pass
finds best for it; procrastinate claims one job at a time, so its backlog is smaller.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from math import log
from pathlib import Path
from random import Random
from signal import SIGTERM
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from outboxbench.analysis.intervals import Paired
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.pinning import pin, plan_pinning
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.relaying.backlog import Backlog, fill
from outboxbench.harness.relaying.job import BrokerAddress, RelayJob
from outboxbench.harness.relaying.process import RelayProcess

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.results.machine import Pinning

AGGREGATES = 1_000
OUR_BATCH = 500
LEASE_S = 10.0
PATIENCE_S = 600.0
BATCHES = (10, 100, 500, 1_000)
PGQUEUER_TASKS = (1, 5)
PROCRASTINATE_TASKS = (1, 10)

WHAT_THEY_DO = """
outboxbench      at least once, in the order of each aggregate; marks (lease) or
                 deletes what is delivered; a refused message holds its aggregate
PgQueuer         at least once, no order promised; moves finished jobs to a log
procrastinate    at least once, order by `lock` if asked for (not here); marks
                 finished jobs, one UPDATE and one event row for each change
"""


@dataclass(frozen=True)
class Contestant:
    """A library and how it is used."""

    library: str
    detail: str
    messages: int
    batch: int = 0
    tasks: int = 1
    plan: RelayPlan | None = None

    @property
    def name(self) -> str:
        return f"{self.library} {self.detail}"


@dataclass(frozen=True)
class Result:
    """What a drain took; `left` and `handled` say whether it was all."""

    seconds: float
    cpu_s: float
    handled: int
    left: int


class Arena:
    """The server that all contestants share, and where they run."""

    def __init__(self, databases: Databases, janitor: Janitor, pinning: Pinning) -> None:
        self._databases = databases
        self._janitor = janitor
        self._pinning = pinning
        self._number = 0

    def drain(self, contestant: Contestant) -> Result:
        """Let one contestant drain a fresh backlog."""
        self._number += 1
        address = self._databases.create(f"d{self._number}")
        try:
            if contestant.plan is not None:
                return self._ours(contestant, contestant.plan, address)
            return self._theirs(contestant, address)
        finally:
            self._databases.drop(address)

    def _ours(self, contestant: Contestant, plan: RelayPlan, address: DatabaseAddress) -> Result:
        with connect(address) as connection:
            connection.execute(schema_sql())
            server_major = prepare_database(address, plan, announces=False)
            fill(connection, Backlog(contestant.messages, AGGREGATES))
        self._databases.checkpoint()
        with (
            TemporaryDirectory() as records,
            RelayProcess(contestant.name, "asyncpg", self._janitor) as relay,
        ):
            pin(relay.pid, self._pinning.client_cores)
            relay.prepare(
                RelayJob(
                    name="ours",
                    settings=StrategySettings(address, pool_size=4).for_relay(
                        LEASE_S, server_major
                    ),
                    loop="uvloop",
                    plan=plan,
                    broker=BrokerAddress("memory"),
                    batch=contestant.batch,
                    handlers=1,
                    busy_us=0.0,
                    announced=False,
                    backlog=contestant.messages,
                    lease_s=LEASE_S,
                    records=records,
                )
            )
            relay.wait_until_ready()
            relay.go()
            relay.wait_until_settled(PATIENCE_S)
            result = relay.result()
        with connect(address) as connection:
            (left,) = connection.execute(
                "SELECT count(*) FROM outbox WHERE delivered_at IS NULL"
            ).fetchone() or (-1,)
        seconds = (result.ended_ns - result.began_ns) / 1e9
        return Result(seconds, result.cpu_ns / 1e9, result.delivered, left)

    def _theirs(self, contestant: Contestant, address: DatabaseAddress) -> Result:
        job = {
            "address": {
                "host": address.host,
                "port": address.port,
                "user": address.user,
                "password": address.password,
                "database": address.database,
            },
            "messages": contestant.messages,
            "batch": contestant.batch,
            "tasks": contestant.tasks,
        }
        with subprocess.Popen(
            [sys.executable, Path(__file__).with_name("contestant.py"), contestant.library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            self._janitor.watch_process(process.pid, SIGTERM)
            pin(process.pid, self._pinning.client_cores)
            try:
                _tell(process, json.dumps(job))
                _hear(process)
                self._databases.checkpoint()
                _tell(process, "go")
                answer = _hear(process)
            finally:
                process.kill()
        self._janitor.forget_process(process.pid)
        return Result(answer["took_s"], answer["cpu_s"], answer["handled"], answer["left"])


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit("a contestant ended without an answer: see its error above")
    answer: dict[str, Any] = json.loads(line)
    return answer


def best(arena: Arena, contestants: list[Contestant]) -> Contestant:
    """Return the fastest of them, each tried once."""
    rates = {each: each.messages / arena.drain(each).seconds for each in contestants}
    for contestant, rate in rates.items():
        print(f"  tried {contestant.name}: {rate:,.0f}/s", flush=True)
    return max(rates, key=lambda each: rates[each])


def field_of(arena: Arena, messages: int) -> list[Contestant]:
    """Return the contestants, the peers as they are at their best."""
    few = max(100, messages // 20)
    pgqueuer = [
        Contestant("pgqueuer", f"batch {batch}, {tasks} tasks", messages, batch, tasks)
        for batch in BATCHES
        for tasks in PGQUEUER_TASKS
    ]
    procrastinate = [
        Contestant("procrastinate", f"concurrency {tasks}", few, 1, tasks)
        for tasks in PROCRASTINATE_TASKS
    ]
    ours: list[RelayPlan] = ["lease", "sharded", "delete"]
    return [
        *(Contestant("outboxbench", plan, messages, OUR_BATCH, 1, plan) for plan in ours),
        best(arena, pgqueuer),
        best(arena, procrastinate),
    ]


def report(results: dict[Contestant, list[Result]]) -> bool:
    """Print the table; return whether everybody handled everything."""
    print(f"{'contestant':30}{'messages':>9}{'per s':>9}{'min':>9}{'max':>9}{'CPU µs':>8} verdict")
    sound = True
    for contestant, each in results.items():
        rates = [contestant.messages / result.seconds for result in each]
        passed = all(result.left == 0 and result.handled == contestant.messages for result in each)
        sound = sound and passed
        print(
            f"{contestant.name:30}{contestant.messages:>9,}{median(rates):>9,.0f}{min(rates):>9,.0f}"
            f"{max(rates):>9,.0f}"
            f"{median(result.cpu_s for result in each) * 1e6 / contestant.messages:>8.1f}"
            f" {'pass' if passed else 'FAIL'}"
        )
    peer = next(each for each in results if each.library == "pgqueuer")
    for contestant in results:
        if contestant.plan is not None and len(results[contestant]) > 1:
            ratio = Paired(
                tuple(
                    log(contestant.messages / ours.seconds) - log(peer.messages / theirs.seconds)
                    for ours, theirs in zip(results[contestant], results[peer], strict=True)
                )
            )
            mean, low, high = ratio.mean().t_interval()
            print(f"{contestant.name} / PgQueuer: {mean:.2f} [{low:.2f}, {high:.2f}]")
    return sound


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor))
        pinning = plan_pinning("auto", workers=1, owns_server=True)
        assert server.postmaster_pid is not None
        pin(server.postmaster_pid, pinning.server_cores)
        databases = stack.enter_context(Databases(server, "peers"))
        arena = Arena(databases, janitor, pinning)
        contestants = field_of(arena, options.messages)
        results: dict[Contestant, list[Result]] = {each: [] for each in contestants}
        order = Random(options.seed)
        for number in range(options.rounds):
            for contestant in order.sample(contestants, len(contestants)):
                results[contestant].append(arena.drain(contestant))
            print(f"  round {number + 1} of {options.rounds} done", flush=True)
        versions = ", ".join(
            f"{name} {version(name)}"
            for name in ("outboxbench", "pgqueuer", "procrastinate", "asyncpg", "psycopg")
        )
        print(f"PostgreSQL {server.version}, {versions}")
    sound = report(results)
    print(WHAT_THEY_DO)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
