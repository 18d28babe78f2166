"""The broker has hardly any time to run: it stands still, goes on for a moment, and again.

So as on a host that others keep busy, every confirmation waits for the next moment in which it
runs. What it answers is right, and its connections stay.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import psutil

from outboxbench.harness.faults.background import Background
from outboxbench.harness.faults.broker_outage import attempts_spent, own_broker
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import wait_until

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene

STILL_S: Final = 0.09
RUNNING_S: Final = 0.01


class BrokerSlow:
    """Has the broker stand still for nine tenths of the time."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._process: psutil.Process | None = None
        self._background: Background | None = None
        self._pauses = 0
        self._still_s = 0.0

    def inject(self) -> Evidence:
        """Begin to stop the broker again and again, and return once it has stood still."""
        process = self._process = psutil.Process(own_broker(self._scene).pid)
        self._background = Background(partial(self._pause, process), RUNNING_S)
        self._background.start()
        if not wait_until(lambda: self._pauses > 0):
            return {}
        return {"pid_slowed": process.pid}

    def heal(self) -> Evidence:
        """Let the broker run; tell for how long it stood still, and what that has cost."""
        background, self._background = self._background, None
        process, self._process = self._process, None
        if background is None or process is None:
            return {}
        try:
            background.stop()
        finally:
            with suppress(psutil.NoSuchProcess):
                process.resume()
        return {
            "pauses": self._pauses,
            "still_s": self._still_s,
            "attempts_spent": attempts_spent(self._scene),
        }

    def _pause(self, process: psutil.Process) -> None:
        process.suspend()
        try:
            began_s = time.monotonic()
            time.sleep(STILL_S)
            if process.status() == psutil.STATUS_STOPPED:
                self._still_s += time.monotonic() - began_s
                self._pauses += 1
        finally:
            process.resume()


BROKER_SLOW: Final = FaultKind(
    name="broker-slow",
    description="let the broker run for a tenth of the time only, until healed",
    reach="broker",
    lasts=True,
    depends_on_strategy=False,
    make=lambda scene, _chance: BrokerSlow(scene),
)
