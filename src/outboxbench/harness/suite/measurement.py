"""What came out of one timed window, before anything is judged."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from outboxbench.harness.conditions import conditions_between, read_conditions
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.postgres.counters import (
    cpu_between,
    process_cpu_seconds,
    server_cpu_seconds,
)
from outboxbench.results.final_state import ClientTally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import psycopg

    from outboxbench.harness.load.ceiling import CeilingResult
    from outboxbench.harness.load.job import Window, WorkerResult
    from outboxbench.results.block import Conditions

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Surveillance:
    """What the machine did inside a window; CPU seconds are None where they cannot be read.

    Helpers are neither clients nor foreign: proxies, or what loads a service.
    """

    server_cpu_s: float | None
    client_cpu_s: float | None
    conditions: Conditions
    helpers_cpu_s: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One arm in one window: what its clients counted, and what it cost.

    Counts of durations are sparse (bucket → operations); those of latencies are by outcome, and
    there by interval of the window. `ended_good` ended well inside the window, whenever it was due.
    """

    outcomes: Mapping[str, int]
    failures: Mapping[str, int]
    attempts: int
    ended_good: int
    latency_counts: Mapping[str, Sequence[Mapping[int, int]]]
    schedule_lag_counts: Mapping[int, int]
    generator_lag_counts: Mapping[int, int]
    clamped: int
    harness_share: float | None
    tally: ClientTally
    surveillance: Surveillance


def watch(
    window: Window,
    postmaster_pid: int | None,
    clients: Sequence[int],
    helpers: Sequence[int],
    connection: psycopg.Connection[Any],
) -> Surveillance:
    """Sleep through a window and read clocks and counts at its edges.

    Processes are named by their pids.
    """
    _sleep_until(window.opens_ns)
    opened_ns = time.monotonic_ns()
    server_before = server_cpu_seconds(postmaster_pid)
    clients_before, helpers_before = _cpu_seconds(clients), _cpu_seconds(helpers)
    before = read_conditions(connection)
    _sleep_until(window.closes_ns)
    spans_ns = time.monotonic_ns() - opened_ns
    server_s = cpu_between(server_before, server_cpu_seconds(postmaster_pid))
    clients_s = _used(clients_before, _cpu_seconds(clients))
    each_helper_s = _each_used(helpers_before, _cpu_seconds(helpers))
    helpers_s = None if each_helper_s is None else sum(each_helper_s)
    ours_s = None if clients_s is None or helpers_s is None else clients_s + helpers_s
    conditions = conditions_between(
        before, read_conditions(connection), server_cpu_s=server_s, client_cpu_s=ours_s
    )
    # Readings come a little late; what they span is scaled to the window.
    scale = (window.closes_ns - window.opens_ns) / spans_ns
    return Surveillance(
        server_cpu_s=None if server_s is None else server_s * scale,
        client_cpu_s=None if clients_s is None else clients_s * scale,
        conditions=conditions,
        helpers_cpu_s=None if each_helper_s is None else tuple(s * scale for s in each_helper_s),
    )


def from_workers(results: Iterable[WorkerResult], surveillance: Surveillance) -> Measurement:
    """Merge what the workers of an arm counted; nothing is lost, as all of it is counts."""
    results = tuple(results)
    outcomes: dict[str, Counter[str]] = {}
    latency_counts: dict[str, list[Counter[int]]] = {}
    for result in results:
        for command, counts in result.outcomes.items():
            outcomes.setdefault(command, Counter()).update(counts)
        for outcome, intervals in result.latency_counts.items():
            merged = latency_counts.setdefault(outcome, [Counter() for _ in intervals])
            for counter, buckets in zip(merged, intervals, strict=True):
                counter.update(buckets)
    running_ns = sum(result.running_ns for result in results)
    idle_ns = sum(result.idle_ns for result in results)
    return Measurement(
        outcomes=_sum(result.window_outcomes for result in results),
        failures=_sum(result.failures for result in results),
        attempts=sum(result.attempts for result in results),
        ended_good=sum(result.ended_good for result in results),
        latency_counts=latency_counts,
        schedule_lag_counts=_sum(result.schedule_lag_counts for result in results),
        generator_lag_counts=_sum(result.generator_lag_counts for result in results),
        clamped=sum(result.clamped for result in results),
        harness_share=idle_ns / running_ns if running_ns else None,
        tally=ClientTally(
            outcomes=outcomes,
            topics=CommandMix.TOPICS,
            charged_cents=sum(result.charged_cents for result in results),
        ),
        surveillance=surveillance,
    )


def from_ceiling(workload: str, result: CeilingResult, surveillance: Surveillance) -> Measurement:
    """Tell what pgbench did."""
    failed = result.window_failed
    return Measurement(
        outcomes={"ok": result.window_committed, "failed": failed},
        # To pgbench a version conflict is a serialisation failure as well.
        failures={"serialisation": failed} if failed else {},
        attempts=result.window_attempts,
        ended_good=result.window_committed,
        latency_counts={"ok": result.latency_counts},
        schedule_lag_counts={},
        generator_lag_counts={},
        clamped=0,
        harness_share=None,
        tally=ClientTally(
            outcomes={workload: {"ok": result.committed, "failed": result.failed}},
            topics=CommandMix.TOPICS,
            charged_cents=None,
        ),
        surveillance=surveillance,
    )


def _cpu_seconds(pids: Sequence[int]) -> list[float | None]:
    return [process_cpu_seconds(pid) for pid in pids]


def _used(before: list[float | None], after: list[float | None]) -> float | None:
    """CPU seconds of all together; None if one of them cannot be read."""
    used = _each_used(before, after)
    return None if used is None else sum(used)


def _each_used(before: list[float | None], after: list[float | None]) -> list[float] | None:
    used = [
        later - earlier
        for earlier, later in zip(before, after, strict=True)
        if earlier is not None and later is not None
    ]
    return used if len(used) == len(before) else None


def _sum(counts: Iterable[Mapping[K, int]]) -> dict[K, int]:
    total: Counter[K] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _sleep_until(moment_ns: int) -> None:
    time.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))
