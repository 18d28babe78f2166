"""The harness's side of a cost worker: starts it, speaks with it, and ends it in any case."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from outboxbench.harness.child_process import ChildProcess
from outboxbench.harness.cost.answers import Measured
from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.job import Job

TIMEOUT_S = 300.0
"""Far more than anything takes, so that only what hangs is ended."""


class CostWorker:
    """One strategy in a process of its own, for one job after the other."""

    def __init__(
        self, strategy: str, janitor: Janitor, environment: WorkerEnvironment | None = None
    ) -> None:
        self._strategy = strategy
        self._process = ChildProcess(
            f"the worker of {strategy}",
            "outboxbench.harness.cost.worker",
            (strategy,),
            janitor,
            environment,
        )

    def __enter__(self) -> CostWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def open(self, job: Job) -> None:
        """Have the strategy opened and warmed up, and wait for it.

        Raises:
            CannotRun: it failed, an operation was not `ok`, or it took too long.
        """
        self._process.tell(job.to_json())
        self._hear("ready")

    def run(self, operations: int) -> Measured:
        """Have so many operations run, one after the other.

        Raises:
            CannotRun: one of them was not `ok`, or they took too long.
        """
        self._process.tell(json.dumps({"operations": operations}))
        return Measured(**self._hear("measured"))

    def close(self) -> None:
        """Have the strategy closed; then another job can come.

        Raises:
            CannotRun: it failed, or took too long.
        """
        self._process.tell(json.dumps({}))
        self._hear("closed")

    def _hear(self, event: str) -> dict[str, Any]:
        message = self._process.hear(
            TIMEOUT_S,
            f"the worker of {self._strategy} was not {event} within {TIMEOUT_S:g} s: "
            "use fewer --operations",
        )
        if message.pop("event") != event:
            raise CannotRun(f"the cost of {self._strategy} cannot be taken: {message['message']}")
        return message
