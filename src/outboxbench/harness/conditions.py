"""What else went on during a window, from readings of the machine and the server at its edges."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from outboxbench.harness.postgres.activity import checkpoints_begun
from outboxbench.results.block import Conditions

if TYPE_CHECKING:
    from typing import Any

    import psycopg


@dataclass(frozen=True, slots=True)
class MachineCpu:
    """CPU seconds of all cores together since the machine started, in steps of 10 ms a core.

    `busy_s` is what processes used. `steal_s` is None where the system does not count it.
    """

    total_s: float
    busy_s: float
    steal_s: float | None


@dataclass(frozen=True, slots=True)
class ConditionsReading:
    """One reading. `checkpoints` is how many the server had begun; what is None is unknown."""

    cpu: MachineCpu
    load_average: float | None
    checkpoints: int | None


def read_conditions(connection: psycopg.Connection[Any] | None) -> ConditionsReading:
    """Take a reading now.

    Args:
        connection: one to any database of the server, in autocommit mode and open already, so that
            no backend starts at the edge of a window; None leaves the server out.

    Raises:
        psycopg.OperationalError: the server does not answer.
    """
    return ConditionsReading(
        cpu=machine_cpu(),
        load_average=_load_average(),
        checkpoints=None if connection is None else checkpoints_begun(connection),
    )


def machine_cpu() -> MachineCpu:
    """Return the CPU time that the machine has spent so far."""
    times = psutil.cpu_times()._asdict()
    # What guests of this machine use is part of user and nice already.
    for guests in ("guest", "guest_nice"):
        times.pop(guests, None)
    idle_s = times["idle"] + times.get("iowait", 0.0)
    steal_s = times.get("steal")
    busy_s = sum(times.values()) - idle_s - (steal_s or 0.0)
    # A kernel that keeps a clock for interrupts takes them out of the processes' time; one that
    # does not has seen next to none, and what they took is part of the processes' time.
    if times.get("irq"):
        busy_s -= times["irq"] + times["softirq"]
    return MachineCpu(total_s=sum(times.values()), busy_s=busy_s, steal_s=steal_s)


def conditions_between(
    before: ConditionsReading,
    after: ConditionsReading,
    *,
    server_cpu_s: float | None,
    client_cpu_s: float | None,
    autovacuums: int | None = None,
) -> Conditions:
    """Tell what went on between two readings.

    Args:
        before: taken when the window opened.
        after: taken when it closed.
        server_cpu_s: CPU seconds of the server between the readings.
        client_cpu_s: CPU seconds of all clients between the readings.
        autovacuums: those in the block's database.
    """
    total_s = after.cpu.total_s - before.cpu.total_s
    steal_s = _difference(before.cpu.steal_s, after.cpu.steal_s)
    foreign_s = None
    if server_cpu_s is not None and client_cpu_s is not None:
        foreign_s = after.cpu.busy_s - before.cpu.busy_s - server_cpu_s - client_cpu_s
    checkpoints = _difference(before.checkpoints, after.checkpoints)
    return Conditions(
        steal_share=_share(steal_s, total_s),
        foreign_cpu_share=_share(foreign_s, total_s),
        load_average=after.load_average,
        # Fewer than before: someone reset the statistics meanwhile.
        checkpoints=None if checkpoints is None or checkpoints < 0 else int(checkpoints),
        autovacuums=autovacuums,
    )


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _share(part_s: float | None, total_s: float) -> float | None:
    # The coarse clock of the machine may have counted less than the fine ones of the processes.
    return None if part_s is None or total_s <= 0 else max(0.0, part_s / total_s)


def _load_average() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None
