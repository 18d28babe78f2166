"""A worker process is killed in the middle of a transaction.

Nobody says goodbye to the server, which learns of it from the kernel as the connections close. To
start another process in its place is the block's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psutil

from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import (
    backends_in_transaction,
    errands,
    wait_until,
)
from outboxbench.harness.faults.process_choice import choose_process
from outboxbench.harness.postgres.process_tree import is_gone
from outboxbench.results.history import PID_GONE

if TYPE_CHECKING:
    from random import Random

    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene


class WorkerKill:
    """Kills one of the workers, as soon as a transaction is under way.

    Which process it belongs to the server does not know where a proxy is between them: under load
    most of them have one. Where none is seen in time the process is killed all the same.
    """

    def __init__(self, scene: Scene, chance: Random) -> None:
        self._scene = scene
        self._chance = chance

    def inject(self) -> Evidence:
        """Kill the process, and return once it is gone."""
        process = choose_process(self._scene.workers, self._chance)
        if process is None:
            return {}
        with errands(self._scene.address) as connection:
            is_amid = wait_until(lambda: backends_in_transaction(connection) > 0)
            try:
                process.kill()
            except psutil.NoSuchProcess:
                return {}
        if not wait_until(lambda: is_gone(process)):
            return {}
        return {PID_GONE: process.pid, "transaction_seen": is_amid}

    def heal(self) -> Evidence:
        """Do nothing: what is dead stays dead."""
        return {}


WORKER_KILL: Final = FaultKind(
    name="worker-kill",
    description="kill a worker process in the middle of a transaction",
    reach="clients",
    lasts=False,
    depends_on_strategy=True,
    make=WorkerKill,
)
