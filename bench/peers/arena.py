"""Where contestants drain a backlog: one server, the same cores, a fresh database each time."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGTERM
from tempfile import TemporaryDirectory
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

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
    from collections.abc import Iterator

    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.server import Server
    from outboxbench.results.machine import Pinning

OUR_BATCH: Final = 500
MEMORY: Final = BrokerAddress("memory")

AGGREGATES: Final = 1_000
LEASE_S: Final = 10.0
PATIENCE_S: Final = 600.0


@dataclass(frozen=True)
class Contestant:
    """A library and how it is used; with a `plan` it is our relay."""

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

    def is_whole(self, contestant: Contestant) -> bool:
        """Whether everything was handled, once."""
        return self.left == 0 and self.handled == contestant.messages


class Arena:
    """The server that all contestants share, and where they run."""

    def __init__(
        self, server: Server, databases: Databases, janitor: Janitor, pinning: Pinning
    ) -> None:
        self.server_version = server.version
        self.janitor = janitor
        self.pinning = pinning
        self._databases = databases
        self._number = 0

    def drain_ours(self, contestant: Contestant, broker: BrokerAddress = MEMORY) -> Result:
        """Let our relay deliver an outbox to a broker."""
        assert contestant.plan is not None
        with self._fresh_database() as address:
            server_major = self._fill_outbox(address, contestant)
            self._databases.checkpoint()
            with (
                TemporaryDirectory() as records,
                RelayProcess(contestant.name, "asyncpg", self.janitor) as relay,
            ):
                pin(relay.pid, self.pinning.client_cores)
                settings = StrategySettings(address, pool_size=4, server_major=server_major)
                relay.prepare(
                    RelayJob(
                        name="ours",
                        settings=settings.for_relay(LEASE_S),
                        loop="uvloop",
                        plan=contestant.plan,
                        broker=broker,
                        batch=contestant.batch,
                        handlers=1,
                        busy_us=0.0,
                        wake_up="poll",
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

    def drain_queue(self, contestant: Contestant) -> Result:
        """Let a job queue drain what it has enqueued itself."""
        with (
            self._fresh_database() as address,
            self._script("job_queue.py", contestant, address=_fields(address)) as script,
        ):
            script.hear()
            with connect(address) as connection:
                # As our outbox is left once it is filled.
                connection.execute("VACUUM (ANALYZE, FREEZE)")
            return self._race(script)

    def publish_bare(self, contestant: Contestant, broker: BrokerAddress) -> Result:
        """Let a bare client publish what an outbox holds, which it has read beforehand."""
        with self._fresh_database() as address:
            self._fill_outbox(address, contestant)
            job = {"address": _fields(address), "broker": asdict(broker)}
            with self._script("bare_publisher.py", contestant, **job) as script:
                script.hear()
                return self._race(script)

    def _race(self, script: _Script) -> Result:
        self._databases.checkpoint()
        script.tell("go")
        answer = script.hear()
        return Result(answer["took_s"], answer["cpu_s"], answer["handled"], answer["left"])

    @contextmanager
    def _fresh_database(self) -> Iterator[DatabaseAddress]:
        self._number += 1
        address = self._databases.create(f"d{self._number}")
        try:
            yield address
        finally:
            self._databases.drop(address)

    def _fill_outbox(self, address: DatabaseAddress, contestant: Contestant) -> int:
        """Return the major version of the server."""
        with connect(address) as connection:
            connection.execute(schema_sql())
            server_major = prepare_database(address, contestant.plan or "lease", announces=False)
            fill(connection, Backlog(contestant.messages, AGGREGATES))
        return server_major

    @contextmanager
    def _script(self, file: str, contestant: Contestant, **job: Any) -> Iterator[_Script]:
        with subprocess.Popen(
            [sys.executable, Path(__file__).with_name(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            self.janitor.watch_process(process.pid, SIGTERM)
            pin(process.pid, self.pinning.client_cores)
            # Reading from a pipe knows no timeout; a process that hangs is ended, which ends it.
            timer = Timer(PATIENCE_S, process.kill)
            timer.start()
            try:
                script = _Script(contestant.name, process)
                script.tell(json.dumps({**asdict(contestant), **job}))
                yield script
            finally:
                timer.cancel()
                process.kill()
        self.janitor.forget_process(process.pid)


class _Script:
    """A script in a process of its own, which is spoken to in lines."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name = name
        self._process = process

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._name} ended without an answer: see its error above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _fields(address: DatabaseAddress) -> dict[str, Any]:
    keys = ("host", "port", "user", "password", "database")
    return {key: getattr(address, key) for key in keys}


@contextmanager
def open_arena(token: str) -> Iterator[Arena]:
    """Start a server of our own, on cores that no contestant runs on."""
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor))
        pinning = plan_pinning("auto", workers=1, owns_server=True)
        assert server.postmaster_pid is not None
        pin(server.postmaster_pid, pinning.server_cores)
        databases = stack.enter_context(Databases(server, token))
        yield Arena(server, databases, janitor, pinning)
