"""The harness's side of a process under faults: it may be killed, and it may never end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from outboxbench.harness.child_process import ChildProcess
from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment
    from outboxbench.harness.janitor import Janitor

READY_TIMEOUT_S = 120.0


class MemberProcess:
    """A process of a block: connects, works when told, and ends or is ended.

    Args:
        name: what it is, as the user is told when it fails.
        module: what it runs.
        strategy: what it works with.
        janitor: ends it should the harness be gone first.
        environment: where it runs; that of the harness if None.
    """

    def __init__(
        self,
        name: str,
        module: str,
        strategy: str,
        janitor: Janitor,
        environment: WorkerEnvironment | None = None,
    ) -> None:
        self._name = name
        self._process = ChildProcess(name, module, (strategy,), janitor, environment)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it is still there."""
        return self._process.is_running

    def __enter__(self) -> MemberProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def prepare(self, job: str) -> None:
        """Have it connect for a job, without waiting for it."""
        self._process.tell(job)

    def wait_until_ready(self) -> None:
        """Wait until it is connected.

        Raises:
            CannotRun: it failed, or took too long.
        """
        overdue = (
            f"{self._name} did not connect within {READY_TIMEOUT_S:g} s: "
            "use fewer clients or relays"
        )
        message = self._process.hear(READY_TIMEOUT_S, overdue)
        if message["event"] != "ready":
            raise CannotRun(f"{self._name} cannot run: {message.get('message')}")

    def go(self, line: str) -> None:
        """Have it work until it is told to stop."""
        self._process.tell(line)

    def stop(self) -> None:
        """Have it begin nothing more; one that is gone already need not."""
        with suppress(CannotRun):
            self._process.tell("stop")

    def ends_within(self, timeout_s: float) -> dict[str, Any] | None:
        """Wait for the end, and return what it tells of it.

        Where the end does not come in time the process is killed, and None returned.

        Raises:
            CannotRun: it failed by a fault of its own.
        """
        try:
            message = self._process.hear(timeout_s, "")
            # Of one that took another's place nobody has heard yet.
            if message["event"] == "ready":
                message = self._process.hear(timeout_s, "")
        except CannotRun:
            return None
        if message.pop("event") != "done":
            raise CannotRun(f"{self._name} failed: {message.get('message')}")
        return message

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.end()
