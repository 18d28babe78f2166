"""How a server of ours comes back, and what it says of that in its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from outboxbench.harness.faults.probes import wait_until_answers
from outboxbench.harness.postgres.process_tree import is_gone

if TYPE_CHECKING:
    from outboxbench.harness.faults.scene import Scene
    from outboxbench.harness.postgres.cluster import Cluster


def bring_back(scene: Scene) -> int:
    """Start the server unless it runs; return the `time.monotonic_ns()` at which it answered.

    Raises:
        CannotRun: it does not start, or does not answer.
    """
    cluster = scene.seat.cluster
    if _has_ended(cluster.postmaster_pid):
        cluster.start_again()
    return wait_until_answers(scene.address)


def log_line(cluster: Cluster, phrase: str, since: int) -> str | None:
    """Return the last line with the phrase in what was logged after so many characters."""
    lines = cluster.log_text()[since:].splitlines()
    return next((line for line in reversed(lines) if phrase in line), None)


def _has_ended(pid: int) -> bool:
    try:
        return is_gone(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return True
