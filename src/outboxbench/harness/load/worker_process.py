"""The harness's side of a worker: starts it, speaks its JSON lines, and ends it in any case."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from outboxbench.harness.child_process import ChildProcess
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.load.job import Job, Window, WorkerResult

if TYPE_CHECKING:
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment
    from outboxbench.harness.janitor import Janitor

READY_TIMEOUT_S = 120.0
"""For imports, connections and the warm-up, on a machine that is slow or busy."""

GRACE_S = 60.0
"""For the operations under way when the window closes, and for closing the pool."""

_DONE = {"ready": "ready", "result": "done"}


class WorkerProcess:
    """One worker. It imports while its database is still being made, and measures when told."""

    def __init__(
        self,
        arm: str,
        strategy: str,
        janitor: Janitor,
        environment: WorkerEnvironment | None = None,
    ) -> None:
        self._arm = arm
        self._name = f"the worker of the arm {arm}"
        self._process = ChildProcess(
            self._name, "outboxbench.harness.load.worker", (strategy,), janitor, environment
        )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def prepare(self, job: Job) -> None:
        """Have the worker connect and warm up, without waiting for it."""
        self._process.tell(job.to_json())

    def wait_until_ready(self) -> None:
        """Wait until every connection is warm.

        Raises:
            CannotRun: the worker failed, or took too long.
        """
        self._hear("ready", READY_TIMEOUT_S)

    def measure(self, window: Window) -> None:
        """Have the worker measure, without waiting for it."""
        self._process.tell(json.dumps(asdict(window)))

    def result(self, timeout_s: float) -> WorkerResult:
        """Wait for the end of the measurement.

        Raises:
            CannotRun: the worker failed, or took longer than `timeout_s`.
        """
        return WorkerResult.from_message(self._hear("result", timeout_s))

    def _hear(self, event: str, timeout_s: float) -> dict[str, Any]:
        message = self._process.hear(
            timeout_s,
            f"{self._name} was not {_DONE[event]} within {timeout_s:g} s: "
            "use fewer clients, or lower statement_timeout_s in the suite",
        )
        if message.pop("event") != event:
            raise CannotRun(f"the arm {self._arm} cannot be measured: {message.get('message')}")
        return message
