"""A process of ours is killed: a worker in the middle of a transaction, or a relay.

Nobody says goodbye to the server, which learns of it from the kernel as the connections close. To
start another process in its place is the block's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psutil

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import (
    backends_in_transaction,
    errands,
    is_gone,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene


class ProcessKill:
    """Kills one of the processes of `pids`, as soon as a transaction is under way.

    Which process it belongs to the server does not know where a proxy is between them: under load
    most of them have one. Where none is seen in time the process is killed all the same.
    """

    def __init__(self, scene: Scene, pids: Sequence[int], chance: Random) -> None:
        self._scene = scene
        self._pids = pids
        self._chance = chance

    def inject(self) -> Evidence:
        """Kill the process, and return once it is gone."""
        process = choose_process(self._pids, self._chance)
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
        return {"pid_gone": process.pid, "transaction_seen": is_amid}

    def heal(self) -> Evidence:
        """Do nothing: what is dead stays dead."""
        return {}


def choose_process(pids: Sequence[int], chance: Random) -> psutil.Process | None:
    """Choose one of the processes; None where it has ended by itself.

    Raises:
        CannotRun: there is none to choose from.
    """
    if not pids:
        raise CannotRun("there is no process that could be hit: give the suite one of that kind")
    try:
        process = psutil.Process(chance.choice(pids))
    except psutil.NoSuchProcess:
        return None
    return None if is_gone(process) else process


WORKER_KILL: Final = FaultKind(
    name="worker-kill",
    description="kill a worker process in the middle of a transaction",
    reach="clients",
    lasts=False,
    depends_on_strategy=True,
    make=lambda scene, chance: ProcessKill(scene, scene.workers, chance),
)
RELAY_KILL: Final = FaultKind(
    name="relay-kill",
    description="kill a relay process",
    reach="relays",
    lasts=False,
    depends_on_strategy=False,
    make=lambda scene, chance: ProcessKill(scene, scene.relays, chance),
)
