"""Starts the workers of the next block while the last one is judged: imports take their time.

They are started only between windows, so nothing that is timed ever shares the machine with them.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from outboxbench.harness.load.worker_process import WorkerProcess
from outboxbench.harness.pinning import pin
from outboxbench.harness.suite.plan import PlannedArm, StrategyArm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from outboxbench.harness.janitor import Janitor


class WorkersAhead:
    """Context manager; at its end no worker that was started is left."""

    def __init__(self, janitor: Janitor, cores: Sequence[int] | None = None) -> None:
        self._janitor = janitor
        self._cores = cores
        self._started: dict[PlannedArm, list[WorkerProcess]] = {}

    def __enter__(self) -> WorkersAhead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for arm in list(self._started):
            with self.take(arm):
                pass

    def start(self, arm: PlannedArm) -> None:
        """Start what the arm needs, unless it has been started; pgbench needs no head start."""
        if isinstance(arm, StrategyArm) and arm not in self._started:
            workers = self._started[arm] = [
                WorkerProcess(arm.name, arm.strategy.name, self._janitor, arm.environment)
                for _ in range(arm.workers)
            ]
            for worker in workers:
                pin(worker.pid, self._cores)

    @contextmanager
    def take(self, arm: PlannedArm) -> Iterator[list[WorkerProcess]]:
        """Hand over the workers of an arm; they end with the context."""
        self.start(arm)
        with ExitStack() as stack:
            yield [stack.enter_context(worker) for worker in self._started.pop(arm, [])]
