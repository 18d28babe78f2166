"""The harness's side of a relay under measurement: starts it, tells it when, and ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.harness.child_process import ChildProcess
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.relaying.job import RelayJob, RelayResult

if TYPE_CHECKING:
    from outboxbench.harness.janitor import Janitor

READY_TIMEOUT_S = 60.0


class RelayProcess:
    """One relay. It imports while its database is still being made, and delivers when told."""

    def __init__(self, name: str, strategy: str, janitor: Janitor) -> None:
        self._name = f"the relay {name}"
        self._process = ChildProcess(
            self._name, "outboxbench.harness.relaying.worker", (strategy,), janitor
        )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def __enter__(self) -> RelayProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def prepare(self, job: RelayJob) -> None:
        """Have the relay connect, without waiting for it."""
        self._process.tell(job.to_json())

    def wait_until_ready(self) -> None:
        """Wait until it is connected.

        Raises:
            CannotRun: it failed, or took too long.
        """
        self._hear("ready", READY_TIMEOUT_S, "to connect: see what else the machine does")

    def go(self) -> None:
        """Have the relay deliver, without waiting for it."""
        self._process.tell("go")

    def stop(self) -> None:
        """Have it settle what is on its way and end; one that drains ends by itself."""
        self._process.tell("stop")

    def wait_until_settled(self, timeout_s: float) -> None:
        """Wait until it has settled everything; it stays connected.

        Raises:
            CannotRun: it failed, or took longer than `timeout_s`.
        """
        self._hear("settled", timeout_s, "to settle all of it: have it deliver less")

    def result(self) -> RelayResult:
        """Have it disconnect and write its records; return what it did.

        Raises:
            CannotRun: it failed.
        """
        self._process.tell("end")
        return RelayResult(
            **self._hear("result", READY_TIMEOUT_S, "to end: see what else the machine does")
        )

    def _hear(self, event: str, timeout_s: float, overdue: str) -> dict[str, Any]:
        message = self._process.hear(
            timeout_s, f"{self._name} took longer than {timeout_s:g} s {overdue}"
        )
        if message.pop("event") != event:
            raise CannotRun(f"{self._name} cannot be measured: {message.get('message')}")
        return message
