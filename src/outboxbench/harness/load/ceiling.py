"""The ceiling: the same statements from PostgreSQL's own C client, pgbench, as an arm of the run.

pgbench logs each transaction with the time it ended, so its block gets the same window, to the
microsecond, as the blocks of the strategies.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from signal import SIGTERM
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias
from zlib import crc32

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.load.command_mix import HIGHEST_CHARGE_CENTS
from outboxbench.results.buckets import HIGHEST_US, counts_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import StrategySettings
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.dataset import Dataset
    from outboxbench.harness.load.job import Window

CeilingPlan: TypeAlias = Literal["statements", "pipeline", "single"]
"""The write plans that pgbench's script language can express."""

SCRIPTED_WORKLOADS = frozenset({"charge", "place"})
"""The mixes that it can express, under each of these plans."""

# What pgbench logs in place of a latency when a transaction failed in all its attempts. (One that
# fails when the time is up it does not log at all; nothing of it is stored.)
_FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CeilingJob:
    """What pgbench has to do."""

    program: Path
    write_plan: CeilingPlan
    workload: str
    settings: StrategySettings
    clients: int
    dataset: Dataset
    seed: str
    max_attempts: int


class _LogEntry(NamedTuple):
    """A transaction as pgbench logs it, with the time of its end in µs since the epoch."""

    latency_us: int | None
    ended_us: int
    attempts: int


@dataclass(frozen=True, slots=True)
class CeilingResult:
    """What pgbench did: transactions committed in all, and what ended in the window.

    A transaction that found another version, or that the server would not serialise, was tried
    again; one that failed in all its attempts has no latency. Latencies are by interval of the
    window, bucket → transactions.
    """

    committed: int
    failed: int
    window_failed: int
    window_attempts: int
    latency_counts: list[dict[int, int]]

    @property
    def window_committed(self) -> int:
        """Transactions that were committed in the window."""
        return sum(sum(counts.values()) for counts in self.latency_counts)


class Ceiling:
    """One pgbench process. Usable as a context manager that leaves neither process nor log."""

    def __init__(self, job: CeilingJob, runs_for_s: float, janitor: Janitor) -> None:
        self._janitor = janitor
        self._folder = tempfile.TemporaryDirectory(prefix="outboxbench-pgbench-")
        janitor.watch_folder(Path(self._folder.name))
        self._log = Path(self._folder.name) / "log"
        script = Path(self._folder.name) / "script.sql"
        script.write_text(_script(job), encoding="utf-8")
        address = job.settings.address
        self._process = subprocess.Popen(
            [
                str(job.program),
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={job.clients}",
                # One thread, as a worker has one.
                "--jobs=1",
                # pgbench counts whole seconds from its start; the window ends well before.
                f"--time={int(runs_for_s) + 1}",
                f"--max-tries={job.max_attempts}",
                f"--random-seed={crc32(job.seed.encode())}",
                f"--define=accounts={job.dataset.accounts}",
                f"--define=highest_charge_cents={HIGHEST_CHARGE_CENTS}",
                f"--file={script}",
                "--log",
                f"--log-prefix={self._log}",
                address.database,
            ],
            env={**_clean_environment(), **_libpq_environment(job.settings)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        janitor.watch_process(self._process.pid, SIGTERM)

    @property
    def pid(self) -> int:
        """The process, for its CPU time."""
        return self._process.pid

    def __enter__(self) -> Ceiling:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._janitor.forget_process(self._process.pid)
        self._folder.cleanup()
        self._janitor.forget_folder(Path(self._folder.name))

    def result(self, window: Window) -> CeilingResult:
        """Wait for the end, and read the log.

        Raises:
            CannotRun: pgbench failed.
        """
        # The wall clock is what pgbench logs, the monotonic clock what the window is set in.
        offset_us = (time.time_ns() - time.monotonic_ns()) // 1000
        opens_us = window.opens_ns // 1000 + offset_us
        closes_us = window.closes_ns // 1000 + offset_us
        _, errors = self._process.communicate()
        if self._process.returncode != 0:
            lines = [line for line in errors.splitlines() if "error" in line or "fatal" in line]
            raise CannotRun(f"pgbench failed: {lines[0] if lines else errors.strip()}")
        counts: list[Counter[int]] = [Counter() for _ in range(window.intervals)]
        interval_us = window.interval_ns // 1000
        committed = failed = window_failed = attempts = 0
        for entry in self._logged():
            in_window = opens_us <= entry.ended_us < closes_us
            attempts += entry.attempts if in_window else 0
            if entry.latency_us is None:
                failed += 1
                window_failed += in_window
            else:
                committed += 1
                if in_window:
                    interval = counts[(entry.ended_us - opens_us) // interval_us]
                    interval[counts_index(min(entry.latency_us, HIGHEST_US))] += 1
        latency_counts = [dict(interval) for interval in counts]
        return CeilingResult(committed, failed, window_failed, attempts, latency_counts)

    def _logged(self) -> Iterator[_LogEntry]:
        for path in Path(self._folder.name).glob("log.*"):
            with path.open(encoding="ascii") as lines:
                for line in lines:
                    # The number of retries is left out where none is allowed.
                    _, _, latency_us, _, ended_s, ended_us, *retries = line.split()
                    yield _LogEntry(
                        latency_us=None if latency_us == _FAILED else int(latency_us),
                        ended_us=int(ended_s) * 1_000_000 + int(ended_us),
                        attempts=1 + sum(map(int, retries)),
                    )


def _script(job: CeilingJob) -> str:
    script = resources.files(__package__).joinpath("pgbench", job.write_plan, f"{job.workload}.sql")
    return script.read_text(encoding="utf-8")


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _libpq_environment(settings: StrategySettings) -> dict[str, str]:
    # Through the environment: an argument would show the password to every user of the machine.
    address = settings.address
    return {
        "PGHOST": address.host,
        "PGPORT": str(address.port),
        "PGUSER": address.user,
        "PGPASSWORD": address.password,
        "PGSSLMODE": address.sslmode,
        "PGOPTIONS": settings.startup_options,
        "PGCONNECT_TIMEOUT": str(max(2, round(settings.connect_timeout_s))),
    }
