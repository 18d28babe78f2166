"""The harness's side of a worker: starts it, speaks its JSON lines, and ends it in any case."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from signal import SIGTERM
from typing import TYPE_CHECKING, Any

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.load.job import Job, Window, WorkerResult

if TYPE_CHECKING:
    from outboxbench.harness.janitor import Janitor

READY_TIMEOUT_S = 120.0
"""For imports, connections and the warm-up, on a machine that is slow or busy."""

GRACE_S = 60.0
"""For the operations under way when the window closes, and for closing the pool."""

_DONE = {"ready": "ready", "result": "done"}


class WorkerProcess:
    """One worker. It imports while its database is still being made, and measures when told."""

    def __init__(self, arm: str, strategy: str, janitor: Janitor) -> None:
        self._arm = arm
        self._janitor = janitor
        self._errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "outboxbench.harness.load.worker", strategy],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            # Ctrl-C is for the harness, which then ends its workers itself.
            start_new_session=True,
        )
        janitor.watch_process(self._process.pid, SIGTERM)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._janitor.forget_process(self._process.pid)
        self._errors.close()

    def prepare(self, job: Job) -> None:
        """Have the worker connect and warm up, without waiting for it."""
        self._tell(job.to_json())

    def wait_until_ready(self) -> None:
        """Wait until every connection is warm.

        Raises:
            CannotRun: the worker failed, or took too long.
        """
        self._hear("ready", READY_TIMEOUT_S)

    def measure(self, window: Window) -> None:
        """Have the worker measure, without waiting for it."""
        self._tell(json.dumps(asdict(window)))

    def result(self, timeout_s: float) -> WorkerResult:
        """Wait for the end of the measurement.

        Raises:
            CannotRun: the worker failed, or took longer than `timeout_s`.
        """
        return WorkerResult.from_message(self._hear("result", timeout_s))

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise CannotRun(self._epitaph()) from None

    def _hear(self, event: str, timeout_s: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        # Reading from a pipe knows no timeout; a worker that hangs is ended, which ends the read.
        deadline_s = time.monotonic() + timeout_s
        overdue = threading.Timer(timeout_s, self._process.kill)
        overdue.start()
        try:
            line = self._process.stdout.readline()
        finally:
            overdue.cancel()
        if not line and time.monotonic() >= deadline_s:
            raise CannotRun(
                f"the worker of the arm {self._arm} was not {_DONE[event]} within {timeout_s:g} s: "
                "use fewer clients, or lower statement_timeout_s in the suite"
            )
        if not line:
            raise CannotRun(self._epitaph())
        message: dict[str, Any] = json.loads(line)
        if message.pop("event") != event:
            raise CannotRun(f"the arm {self._arm} cannot be measured: {message.get('message')}")
        return message

    def _epitaph(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        reason = lines[-1] if lines else f"exit status {self._process.returncode}"
        return f"the worker of the arm {self._arm} ended without an answer: {reason}"
