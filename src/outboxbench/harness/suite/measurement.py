"""What came out of one timed window, before anything is judged."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.postgres.counters import (
    cpu_between,
    process_cpu_seconds,
    server_cpu_seconds,
)
from outboxbench.results.final_state import ClientTally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outboxbench.harness.load.ceiling import CeilingResult
    from outboxbench.harness.load.job import Window, WorkerResult


@dataclass(frozen=True, slots=True)
class CpuUse:
    """CPU seconds inside a window; None where they cannot be read."""

    server_s: float | None
    clients_s: float | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One arm in one window: what its clients counted, and what it cost."""

    outcomes: Mapping[str, int]
    failures: Mapping[str, int]
    attempts: int
    latency_counts: Mapping[str, Mapping[int, int]]
    clamped: int
    client_cpu_s: float | None
    server_cpu_s: float | None
    harness_share: float | None
    tally: ClientTally


def watch_cpu(window: Window, postmaster_pid: int | None, clients: Sequence[int]) -> CpuUse:
    """Sleep through a window and read the CPU clocks at its edges."""
    _sleep_until(window.opens_ns)
    opened_ns = time.monotonic_ns()
    server_before = server_cpu_seconds(postmaster_pid)
    clients_before = [process_cpu_seconds(pid) for pid in clients]
    _sleep_until(window.closes_ns)
    # Readings come a little late; what they span is scaled to the window.
    scale = (window.closes_ns - window.opens_ns) / (time.monotonic_ns() - opened_ns)
    server_s = cpu_between(server_before, server_cpu_seconds(postmaster_pid))
    used = [
        after - before
        for before, after in zip(
            clients_before, [process_cpu_seconds(pid) for pid in clients], strict=True
        )
        if before is not None and after is not None
    ]
    return CpuUse(
        server_s=None if server_s is None else server_s * scale,
        clients_s=sum(used) * scale if len(used) == len(clients) else None,
    )


def from_workers(results: Iterable[WorkerResult], cpu: CpuUse) -> Measurement:
    """Merge what the workers of an arm counted; nothing is lost, as all of it is counts."""
    results = tuple(results)
    outcomes: dict[str, Counter[str]] = {}
    latency_counts: dict[str, Counter[int]] = {}
    for result in results:
        for command, counts in result.outcomes.items():
            outcomes.setdefault(command, Counter()).update(counts)
        for outcome, buckets in result.latency_counts.items():
            latency_counts.setdefault(outcome, Counter()).update(buckets)
    running_ns = sum(result.running_ns for result in results)
    idle_ns = sum(result.idle_ns for result in results)
    return Measurement(
        outcomes=_sum(result.window_outcomes for result in results),
        failures=_sum(result.failures for result in results),
        attempts=sum(result.attempts for result in results),
        latency_counts=latency_counts,
        clamped=sum(result.clamped for result in results),
        client_cpu_s=cpu.clients_s,
        server_cpu_s=cpu.server_s,
        harness_share=idle_ns / running_ns if running_ns else None,
        tally=ClientTally(
            outcomes=outcomes,
            topics=CommandMix.TOPICS,
            charged_cents=sum(result.charged_cents for result in results),
        ),
    )


def from_ceiling(workload: str, result: CeilingResult, cpu: CpuUse) -> Measurement:
    """Tell what pgbench did."""
    failed = result.window_failed
    return Measurement(
        outcomes={"ok": result.window_committed, "failed": failed},
        # To pgbench a version conflict is a serialisation failure as well.
        failures={"serialisation": failed} if failed else {},
        attempts=result.window_attempts,
        latency_counts={"ok": result.latency_counts},
        clamped=0,
        client_cpu_s=cpu.clients_s,
        server_cpu_s=cpu.server_s,
        harness_share=None,
        tally=ClientTally(
            outcomes={workload: {"ok": result.committed, "failed": result.failed}},
            topics=CommandMix.TOPICS,
            charged_cents=None,
        ),
    )


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _sleep_until(moment_ns: int) -> None:
    time.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))
