"""The harness's side of a client process under faults: it may be killed, and it may never end."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from outboxbench.harness.child_process import ChildProcess
from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from outboxbench.harness.faulting.job import ClientsJob
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.job import Window

READY_TIMEOUT_S = 120.0


class ClientsProcess:
    """One client process: connects, runs its clients when told, and ends or is ended."""

    def __init__(self, name: str, strategy: str, janitor: Janitor) -> None:
        self._name = f"the clients of {name}"
        self._process = ChildProcess(
            self._name, "outboxbench.harness.faulting.worker", (strategy,), janitor
        )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it is still there."""
        return self._process.is_running

    def __enter__(self) -> ClientsProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def prepare(self, job: ClientsJob) -> None:
        """Have it connect, without waiting for it."""
        self._process.tell(job.to_json())

    def wait_until_ready(self) -> None:
        """Wait until it is connected.

        Raises:
            CannotRun: it failed, or took too long.
        """
        overdue = f"{self._name} did not connect within {READY_TIMEOUT_S:g} s: use fewer clients"
        message = self._process.hear(READY_TIMEOUT_S, overdue)
        if message["event"] != "ready":
            raise CannotRun(f"{self._name} cannot run: {message.get('message')}")

    def go(self, window: Window) -> None:
        """Have the clients run until they are told to stop, or the window closes."""
        self._process.tell(json.dumps(asdict(window)))

    def stop(self) -> None:
        """Have the clients begin nothing more; one that is gone already need not."""
        with suppress(CannotRun):
            self._process.tell("stop")

    def ends_within(self, timeout_s: float) -> bool:
        """Wait for the end; where it does not come the process is killed, and False returned.

        Raises:
            CannotRun: it failed by a fault of its own.
        """
        try:
            message = self._process.hear(timeout_s, "")
            # Of one that took another's place nobody has heard yet.
            if message["event"] == "ready":
                message = self._process.hear(timeout_s, "")
        except CannotRun:
            return False
        if message["event"] != "done":
            raise CannotRun(f"{self._name} failed: {message.get('message')}")
        return True

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.end()
