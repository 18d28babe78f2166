"""A run says what speaks against its figures, and what to do; a sound one says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.analysis.runs import NOW, arm, block, environment, run

from outboxbench.analysis.comparison import compare_arms
from outboxbench.analysis.warnings import run_warnings
from outboxbench.results.block import Conditions, Counters, LatencyUs, OutcomeCounts
from outboxbench.results.machine import NetworkDelay, Pinning, Server

if TYPE_CHECKING:
    from outboxbench.results.model import Arm, Run


def codes(run: Run) -> set[str]:
    warnings = run_warnings(run)
    assert all(warning.message and warning.advice for warning in warnings)
    return {warning.code for warning in warnings}


def rounds(count: int = 6, **changes: Any) -> Arm:
    return arm("asyncpg/uvloop", [block(number, **changes) for number in range(count)])


def open_loop(lag_p99_us: float = 100.0, skipped: int = 0, cpu_share: float = 0.5) -> Arm:
    blocks = [
        block(
            number,
            outcomes=OutcomeCounts(ok=1000 - skipped, skipped=skipped),
            counters=Counters(client_cpu_share=cpu_share),
        )
        for number in range(6)
    ]
    made = arm("asyncpg/uvloop", blocks, offered_per_s=1000.0)
    assert made.summary is not None
    lag = LatencyUs(samples=6000, p50=30.0, p99=lag_p99_us)
    return made.model_copy(
        update={"summary": made.summary.model_copy(update={"generator_lag_us": lag})}
    )


def test_a_sound_run_gives_no_reason_for_doubt() -> None:
    assert codes(run()) == set()
    assert codes(run(open_loop())) == set()


@pytest.mark.parametrize(
    ("doubtful", "code"),
    [
        (run(environment=environment(data_filesystem="tmpfs")), "data-in-memory"),
        (run(environment=environment(fsync_us=4.0)), "sync-too-fast"),
        (run(environment=environment(cpu_governor="powersave")), "cpu-governor"),
        (run(environment=environment(cpu_limit_cores=1.5)), "cpu-limit"),
        (
            run(server=Server(version="18.6", origin="dsn", settings={"fsync": "off"})),
            "not-durable",
        ),
        (
            run(
                network=(NetworkDelay(rtt_ms=0.5, samples=400, added_p50_us=800, added_p99_us=900),)
            ),
            "network-inexact",
        ),
        (run(rounds(conditions=Conditions(steal_share=0.1))), "stolen-time"),
        (run(rounds(conditions=Conditions(foreign_cpu_share=0.2))), "busy-machine"),
        (run(rounds(counters=Counters(harness_idle_share=0.05))), "harness-in-the-way"),
        (run(rounds(latencies_clamped=2)), "latencies-clamped"),
        (run(open_loop(skipped=20)), "skipped-arrivals"),
        (run(open_loop(cpu_share=0.95)), "client-saturated"),
        (run(open_loop(lag_p99_us=5000.0)), "generator-late"),
        (run(rounds=3), "few-rounds"),
        (
            run(
                rounds(counters=Counters(server_cpu_us_per_op=950.0)),
                pinning=Pinning(server_cores=(0,)),
            ),
            "server-saturated",
        ),
    ],
)
def test_each_doubt_is_told_alone(doubtful: Run, code: str) -> None:
    assert codes(doubtful) == {code}


def test_a_spread_and_a_drift_are_told() -> None:
    falling = arm("asyncpg/uvloop", [block(number, 1000.0 - 100 * number) for number in range(6)])

    assert codes(run(falling)) == {"wide-spread", "drifting-machine"}


@pytest.mark.parametrize("what", ["checkpoints", "autovacuums"])
def test_what_the_server_did_in_some_arms_alone_is_told(what: str) -> None:
    burden = Conditions.model_validate({what: 1})
    burdened = rounds(conditions=burden)
    other = arm("psycopg/uvloop", [block(number) for number in range(6)])

    assert codes(run(burdened, other)) == {f"{what.removesuffix('s')}-in-block"}
    assert codes(run(burdened, burdened)) == set()


def test_comparisons_that_say_little_are_told() -> None:
    base = arm("asyncpg/uvloop", [block(number) for number in range(6)])
    head = arm(
        "psycopg/uvloop", [block(number, 1000 * (1 + 0.1 * (number % 3))) for number in range(6)]
    )
    comparisons = compare_arms([(base, head)], lambda *_: 0.05)

    compared = run(base, head, comparisons=comparisons)
    assert codes(compared) == {"not-calibrated", "inconclusive"}
    assert codes(compared.model_copy(update={"calibrated_at": NOW})) == {"inconclusive"}
