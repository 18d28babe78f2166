"""Two runs are compared when they may be, each arm against its own ceiling first."""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING, Any

import pytest
from tests.analysis.runs import arm, block, ceiling, environment, run

from outboxbench.analysis.same_machine import machine_differences
from outboxbench.analysis.two_runs import compare_runs, obstacles, software_differences
from outboxbench.results.machine import Pinning, Server

if TYPE_CHECKING:
    from outboxbench.results.model import Run

NOISE = (0.0, 0.02, -0.02, 0.01, -0.01, 0.015)


def measured(speed: float = 1.0, machine: float = 1.0, **changes: Any) -> Run:
    """A run of one arm and its ceiling, on a machine that is so many times as fast."""
    noise = list(enumerate(NOISE))
    return run(
        ceiling([block(number, 3000 * machine * (1 - wobble)) for number, wobble in noise]),
        arm(
            "asyncpg/uvloop",
            [block(number, 1000 * speed * machine * (1 + wobble)) for number, wobble in noise],
        ),
        **changes,
    )


def test_a_slower_head_is_a_regression() -> None:
    found = {each.metric: each for each in compare_runs(measured(), measured(0.7), None)}

    assert found["ok_per_s"].decision == "regression"
    assert isclose(found["ok_per_s"].ratio, 0.7, rel_tol=1e-6)
    assert found["ok_per_s"].control == "pgbench"
    assert found["latency_p50"].decision == "regression"


def test_a_slower_machine_is_none() -> None:
    (found, *_) = compare_runs(measured(), measured(machine=0.7), None)

    assert found.decision == "same"
    assert isclose(found.ratio, 1.0, rel_tol=1e-6)


def test_like_runs_have_no_obstacle() -> None:
    assert obstacles(measured(), measured()) == obstacles(measured(), measured(0.5))
    assert obstacles(measured(), measured()).fatal == ()
    assert obstacles(measured(), measured()).serious == ()


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (measured(suite="plans"), "they ran different suites, quick and plans"),
        (
            run(arm("psycopg/uvloop", [block(number) for number in range(6)])),
            "they have no arm in common that both measured",
        ),
    ],
)
def test_what_has_nothing_in_common_is_never_compared(head: Run, reason: str) -> None:
    assert obstacles(measured(), head).fatal == (reason,)


def test_a_run_is_not_compared_with_itself() -> None:
    same = measured(sha256="abc")

    assert obstacles(same, same).fatal == ("they are the same run",)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (measured(complete=False), "the head is not complete, it was interrupted"),
        (measured(verdict="fail"), "the verdict of the head is fail"),
        (measured(rounds=3), "one of them has 3 rounds, and 5 are the least"),
        (measured(window_s=2.0), "they differ in window_s: 1.0 → 2.0"),
        (
            measured(server=Server(version="15.14", origin="embedded", settings={})),
            "they differ in PostgreSQL: 18.6 → 15.14",
        ),
        (
            measured(server=Server(version="18.6", origin="dsn", settings={"fsync": "off"})),
            "they differ in fsync: default → off",
        ),
        (
            measured(environment=environment(cpu_model="Another")),
            "they differ in cpu_model: A Processor → Another",
        ),
    ],
)
def test_what_makes_a_ratio_doubtful_is_told(head: Run, reason: str) -> None:
    found = obstacles(measured(), head)

    assert found.fatal == ()
    assert found.serious == (reason,)


def test_a_difference_in_pinning_is_told() -> None:
    (reason,) = obstacles(measured(), measured(pinning=Pinning(client_cores=(1,)))).serious

    assert reason.startswith("they differ in pinning: ")


def test_other_software_is_told_and_no_obstacle() -> None:
    head = measured(environment=environment(packages={"asyncpg": "0.33.0", "uvloop": "0.22"}))

    assert obstacles(measured(), head).serious == ()
    assert software_differences(measured(), head) == [
        "asyncpg 0.32.0 → 0.33.0",
        "uvloop None → 0.22",
    ]


def test_a_machine_is_the_same_with_a_little_more_memory() -> None:
    assert machine_differences(environment(), environment(memory_bytes=8_010_000_000)) == []
    assert machine_differences(environment(), environment(memory_bytes=16_000_000_000)) == [
        "memory_bytes: 8000000000 → 16000000000"
    ]
