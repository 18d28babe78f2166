"""Made-up runs, told by what differs from one that gives no reason for doubt."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from outboxbench.results.block import Block, Conditions, Counters, LatencyUs, OutcomeCounts
from outboxbench.results.machine import Environment, Server
from outboxbench.results.model import Arm, Run, Summary

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def environment(**changes: Any) -> Environment:
    return Environment(
        cpu_model="A Processor",
        cores=2,
        memory_bytes=8_000_000_000,
        kernel="Linux 6.1",
        python="3.11.7",
        implementation="CPython",
        packages={"asyncpg": "0.32.0"},
        libpq="17.4",
        psycopg_implementation="binary",
        data_filesystem="ext4",
        fsync_us=90.0,
    ).model_copy(update=changes)


def block(number: int, ok_per_s: float = 1000.0, **changes: Any) -> Block:
    return Block(
        round=number,
        position=0,
        seconds=1.0,
        ok_per_s=ok_per_s,
        outcomes=OutcomeCounts(ok=round(ok_per_s)),
        attempts=round(ok_per_s),
        latency_us=LatencyUs(samples=round(ok_per_s), p50=1e6 / ok_per_s),
        counters=Counters(client_cpu_share=0.5, server_cpu_us_per_op=200.0),
        conditions=Conditions(steal_share=0.0, foreign_cpu_share=0.0, checkpoints=0, autovacuums=0),
        verdict="pass",
        checks=(),
    ).model_copy(update=changes)


def arm(name: str, blocks: Sequence[Block], **changes: Any) -> Arm:
    rates = [each.ok_per_s for each in blocks]
    outcomes = sum((each.outcomes for each in blocks), OutcomeCounts())
    summary = Summary(
        rounds=len(blocks),
        ok_per_s_median=sorted(rates)[len(rates) // 2],
        ok_per_s_min=min(rates),
        ok_per_s_max=max(rates),
        outcomes=outcomes,
        latency_us=LatencyUs(samples=outcomes.good, p50=900.0, p99=2000.0),
    )
    return Arm(
        name=name,
        role="strategy",
        strategy=name.partition("/")[0],
        write_plan="statements",
        driver="asyncpg",
        loop="uvloop",
        profile="matched",
        workload="charge",
        settings={"clients": 8, "workers": 1},
        blocks=tuple(blocks),
        summary=summary,
        verdict="pass",
    ).model_copy(update=changes)


def ceiling(blocks: Sequence[Block], **changes: Any) -> Arm:
    return arm(
        "pgbench", blocks, role="ceiling", loop=None, settings={"clients": 8}, driver="libpq"
    ).model_copy(update=changes)


def run(*arms: Arm, **changes: Any) -> Run:
    measured = arms or (arm("asyncpg/uvloop", [block(number) for number in range(6)]),)
    return Run(
        suite="quick",
        command="outboxbench run quick",
        seed=1,
        rounds=6,
        window_s=1.0,
        started_at=NOW,
        finished_at=NOW,
        complete=True,
        verdict="pass",
        environment=environment(),
        server=Server(version="18.6", origin="embedded", settings={}),
        arms=measured,
    ).model_copy(update=changes)
