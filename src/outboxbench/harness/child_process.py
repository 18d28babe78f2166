"""A child of the harness that is spoken to in lines of JSON, and that ends in any case."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from signal import SIGTERM
from typing import TYPE_CHECKING, Any

from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment
    from outboxbench.harness.janitor import Janitor


class ChildProcess:
    """A module of ours, run by an interpreter of its own.

    Args:
        name: what it is, as the user is told when it fails.
        module: what it runs.
        arguments: what it gets on its command line; secrets go through `tell`.
        janitor: ends it should the harness be gone first.
        environment: where it runs; that of the harness if None.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: tuple[str, ...],
        janitor: Janitor,
        environment: WorkerEnvironment | None = None,
    ) -> None:
        self._name = name
        self._janitor = janitor
        self._errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        interpreter = sys.executable if environment is None else str(environment.interpreter)
        self._process = subprocess.Popen(
            [interpreter, "-m", module, *arguments],
            env=None if environment is None else environment.variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            # Ctrl-C is for the harness, which then ends its children itself.
            start_new_session=True,
        )
        try:
            janitor.watch_process(self._process.pid, SIGTERM)
        except BaseException:
            self.end()
            raise

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def tell(self, line: str) -> None:
        """Send a line.

        Raises:
            CannotRun: the child has ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise CannotRun(self._epitaph()) from None

    def hear(self, timeout_s: float, overdue: str) -> dict[str, Any]:
        """Wait for a line.

        Raises:
            CannotRun: the child has ended, or took longer than `timeout_s`, which `overdue` tells.
        """
        assert self._process.stdout is not None
        # Reading from a pipe knows no timeout; a child that hangs is ended, which ends the read.
        deadline_s = time.monotonic() + timeout_s
        timer = threading.Timer(timeout_s, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line and time.monotonic() >= deadline_s:
            raise CannotRun(overdue)
        if not line:
            raise CannotRun(self._epitaph())
        message: dict[str, Any] = json.loads(line)
        return message

    def end(self) -> None:
        """End the child, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._janitor.forget_process(self._process.pid)
        self._errors.close()

    def _epitaph(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        reason = lines[-1] if lines else f"exit status {self._process.returncode}"
        return f"{self._name} ended without an answer ({reason}): start the run again"
