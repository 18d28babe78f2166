"""Doubts about the machine and the server, which hold for all figures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.comparable import DURABILITY_SETTINGS
from outboxbench.results.model import RunWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.model import Run

MEMORY_FILESYSTEMS: Final = frozenset({"tmpfs", "ramfs"})
FASTEST_FSYNC_US: Final = 20.0
"""Below, no disk has been waited for; the fastest with power-loss protection take about as long."""
NETWORK_TOLERANCE: Final = 0.1


def doubts(run: Run) -> Iterator[RunWarning]:
    """Yield what the environment, the server and the network give rise to."""
    environment = run.environment
    if environment.data_filesystem in MEMORY_FILESYSTEMS:
        yield RunWarning(
            code="data-in-memory",
            message=f"the server's data lies on {environment.data_filesystem}, so a commit waits "
            "for no disk",
            advice="name a folder on a disk in OUTBOXBENCH_TMPDIR",
        )
    elif environment.fsync_us is not None and environment.fsync_us < FASTEST_FSYNC_US:
        yield RunWarning(
            code="sync-too-fast",
            message=f"a sync takes {environment.fsync_us:.1f} µs, so the disk confirms what it has "
            "not stored",
            advice="read the ranking, not the figures; or use a disk that keeps what it confirms",
        )
    for name in DURABILITY_SETTINGS:
        if run.server.settings.get(name, "on") != "on":
            yield RunWarning(
                code="not-durable",
                message=f"the server runs with {name} = {run.server.settings[name]}: "
                "an acknowledged commit may be lost",
                advice=f"set {name} = on",
            )
    if environment.cpu_governor not in {None, "performance"}:
        yield RunWarning(
            code="cpu-governor",
            message=f"the CPU's frequency follows its load (governor {environment.cpu_governor}), "
            "and what is measured first finds it low",
            advice="set the governor to performance: cpupower frequency-set -g performance",
        )
    if environment.cpu_limit_cores is not None and environment.cpu_limit_cores < environment.cores:
        yield RunWarning(
            code="cpu-limit",
            message=f"a container allows {environment.cpu_limit_cores:g} of {environment.cores} "
            "cores, and stops everything for a while when they are used up",
            advice="lift the limit, or set it to the number of cores",
        )
    for delay in run.network:
        asked_us = delay.rtt_ms * 1000
        if abs(delay.added_p50_us - asked_us) > NETWORK_TOLERANCE * asked_us:
            yield RunWarning(
                code="network-inexact",
                message=f"the network of {delay.rtt_ms:g} ms added {delay.added_p50_us:,.0f} µs to "
                "a round trip",
                advice="run on a quiet machine, and read the figures for the delay that was added",
            )
