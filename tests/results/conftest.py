"""The smallest run that is one: a single block of a single arm."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from outboxbench.results.block import Block, Check, Counters, LatencyUs, OutcomeCounts
from outboxbench.results.machine import Environment, Server
from outboxbench.results.model import Arm, Run

STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def run() -> Run:
    block = Block(
        round=0,
        position=0,
        seconds=1.0,
        ok_per_s=30.0,
        outcomes=OutcomeCounts(ok=30),
        attempts=30,
        latency_us=LatencyUs(samples=30, p50=400.0, max=900.0),
        counters=Counters(client_cpu_us_per_op=210.0),
        verdict="pass",
        checks=(Check(name="rows", verdict="pass", detail="as many as acknowledged"),),
    )
    return Run(
        suite="quick",
        command="outboxbench run quick",
        seed=1,
        rounds=1,
        window_s=1.0,
        started_at=STARTED_AT,
        finished_at=STARTED_AT,
        complete=True,
        verdict="pass",
        environment=Environment(
            cpu_model=None,
            cores=2,
            memory_bytes=8_000_000_000,
            kernel="Linux 6.1",
            python="3.11.7",
            implementation="CPython",
            packages={"asyncpg": "0.31.0"},
            libpq=None,
            psycopg_implementation=None,
            data_filesystem=None,
        ),
        server=Server(version="18.6", origin="embedded", settings={}),
        arms=(
            Arm(
                name="asyncpg-uvloop",
                role="strategy",
                strategy="asyncpg",
                write_plan="statements",
                driver="asyncpg",
                loop="uvloop",
                profile="matched",
                workload="charge",
                settings={"clients": 16},
                blocks=(block,),
                verdict="pass",
            ),
        ),
    )
