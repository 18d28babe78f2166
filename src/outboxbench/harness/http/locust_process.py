"""Locust without its page, as a process of the harness: a master and its workers on this machine.

What is measured, and for how long, the process says itself once its users are there.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from typing import TYPE_CHECKING, Any, Final

import psutil

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.http.request_times import MedianRequest, median_request
from outboxbench.harness.load.job import Window, WorkerResult
from outboxbench.harness.postgres.postmaster import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from outboxbench.harness.http.load_plan import LoadPlan
    from outboxbench.harness.janitor import Janitor

START_TIMEOUT_S: Final = 60.0
"""For imports and for all users to begin, on a machine that is slow or busy."""

GRACE_S: Final = 60.0
"""For requests under way when the window closes, and for the workers to report."""

_WARNING: Final = re.compile(r"/(WARNING|ERROR|CRITICAL)/")


def locustfile() -> Path:
    """Return the file that Locust runs: of this checkout, or the one that came with the package."""
    package = Path(__file__).parents[2]
    candidates = (package.parents[1] / "bench" / "locustfile.py", package / "locustfile.py")
    for each in candidates:
        if each.is_file():
            return each
    raise CannotRun(f"there is no {candidates[0]}: install the package anew")


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What all workers have counted, and what a typical request was made of, if there was one."""

    workers: tuple[WorkerResult, ...]
    median: MedianRequest | None


class LocustProcess:
    """Context manager: one load. None of its processes outlives it.

    Args:
        plan: the load, brought by `plan.workers` processes.
        users: how many there are altogether.
        hosts: the service's instances, which the users take turns with.
        janitor: ends it should the harness be gone first.
    """

    def __init__(self, plan: LoadPlan, users: int, hosts: Sequence[str], janitor: Janitor) -> None:
        self._janitor = janitor
        self._plan = plan
        self._folder = tempfile.TemporaryDirectory(prefix="outboxbench-locust-")
        janitor.watch_folder(Path(self._folder.name))
        self._results = Path(self._folder.name) / "results.json"
        self._errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "locust", *self._words(users, hosts)],
            cwd=self._folder.name,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )
        try:
            janitor.watch_process(self._process.pid, SIGTERM)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.communicate()
        self._janitor.forget_process(self._process.pid)
        self._errors.close()
        self._folder.cleanup()
        self._janitor.forget_folder(Path(self._folder.name))

    @property
    def pids(self) -> list[int]:
        """Its processes: the master, and the workers that it has started."""
        return [process.pid for process in self._processes()]

    def window(self) -> Window:
        """Wait until all users are there, and return when they are measured.

        Raises:
            CannotRun: Locust has ended, or takes too long.
        """
        assert self._process.stdout is not None
        timer = threading.Timer(START_TIMEOUT_S, self._process.kill)
        timer.start()
        try:
            for line in self._process.stdout:
                if line.startswith('{"window"'):
                    return Window(*json.loads(line)["window"])
        finally:
            timer.cancel()
        raise CannotRun(f"Locust did not begin ({self._last_words()}): run the suite again")

    def result(self) -> LoadResult:
        """Wait for the end, and return what was counted.

        Raises:
            CannotRun: Locust has ended without it, or takes too long.
        """
        timer = threading.Timer(self._plan.window_s + GRACE_S, self._process.kill)
        timer.start()
        try:
            self._process.wait()
        finally:
            timer.cancel()
        if not self._results.exists():
            raise CannotRun(f"Locust has told no result ({self._last_words()}): run it again")
        return read_results(self._results)

    def _words(self, users: int, hosts: Sequence[str]) -> list[str]:
        plan, port = self._plan, str(free_port())
        more = [] if plan.rate_per_s is None else ["--rate", repr(plan.rate_per_s)]
        more += [] if plan.journals is None else ["--journals", plan.journals]
        return [
            *("--locustfile", str(locustfile()), "--headless", "--only-summary"),
            *("--loglevel", "WARNING", "--host", ",".join(hosts)),
            *("--master-bind-host", "127.0.0.1", "--master-bind-port", port),
            *("--master-host", "127.0.0.1", "--master-port", port),
            *("--users", str(users), "--processes", str(plan.workers), "--stop-timeout", "20"),
            *("--mix", plan.mix, "--shape", plan.shape, "--arrivals", plan.arrivals),
            *("--max-wait", repr(plan.max_wait_s), "--load-seed", plan.seed),
            *("--warm-up", repr(plan.warm_up_s), "--window", repr(plan.window_s)),
            *("--accounts", str(plan.accounts), "--orders", str(plan.orders)),
            *("--results", str(self._results), *more),
        ]

    def _processes(self) -> list[psutil.Process]:
        try:
            master = psutil.Process(self._process.pid)
            return [master, *master.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        # Below its warnings it prints tables.
        warnings = [line for line in lines if _WARNING.search(line)]
        said = (warnings or lines)[-1:]
        return said[0] if said else f"exit status {self._process.poll()}"


def read_results(path: Path) -> LoadResult:
    """Read what all workers of a load have counted."""
    told: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return LoadResult(
        workers=tuple(WorkerResult.from_message(each["counts"]) for each in told),
        median=median_request(each["times"] for each in told),
    )
