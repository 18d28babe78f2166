from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from outboxbench.analysis.comparable import changed_durability, comparable_arms
from outboxbench.results.block import LatencyUs, OutcomeCounts
from outboxbench.results.machine import Environment, Server
from outboxbench.results.model import Arm, Run, Summary

if TYPE_CHECKING:
    from pydantic import JsonValue

    from outboxbench.results.document import Profile, Role, WritePlan

STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def arm(
    strategy: str,
    *,
    role: Role = "strategy",
    ok_per_s: float | None = None,
    workload: str = "charge",
    profile: Profile = "matched",
    write_plan: WritePlan = "statements",
    settings: dict[str, JsonValue] | None = None,
    p50_us: float | None = None,
    busy_wait_us: float = 0,
    copy_number: int = 1,
) -> Arm:
    summary = None
    if ok_per_s is not None:
        summary = Summary(
            rounds=1,
            ok_per_s_median=ok_per_s,
            ok_per_s_min=ok_per_s,
            ok_per_s_max=ok_per_s,
            outcomes=OutcomeCounts(),
            latency_us=LatencyUs(samples=0, p50=p50_us),
        )
    return Arm(
        name=f"{strategy}-{workload}-{profile}-{settings}",
        role=role,
        strategy=strategy,
        write_plan=write_plan,
        driver="asyncpg",
        loop="uvloop" if role == "strategy" else None,
        profile=profile,
        workload=workload,
        settings=settings or {},
        offered_per_s=100 if settings and "rate" in settings else None,
        busy_wait_us=busy_wait_us,
        copy_number=copy_number,
        summary=summary,
    )


def run_of(*arms: Arm) -> Run:
    return Run(
        suite="quick",
        command="outboxbench run quick",
        seed=1,
        rounds=1,
        window_s=1.0,
        started_at=STARTED_AT,
        finished_at=STARTED_AT,
        complete=True,
        verdict="unknown",
        environment=Environment(
            cpu_model=None,
            cores=1,
            memory_bytes=1,
            kernel="",
            python="",
            implementation="",
            packages={},
            libpq=None,
            psycopg_implementation=None,
            data_filesystem=None,
        ),
        server=Server(version="18.6", origin="embedded", settings={}),
        arms=arms,
    )


def tables(*arms: Arm) -> list[tuple[list[str], list[str]]]:
    return [
        ([arm.strategy for arm in table.ceilings], [arm.strategy for arm in table.strategies])
        for table in comparable_arms(run_of(*arms))
    ]


def test_the_fastest_arm_comes_first_and_an_unmeasured_one_last() -> None:
    arms = arm("slow", ok_per_s=1), arm("lost"), arm("fast", ok_per_s=9)

    assert tables(*arms) == [([], ["fast", "slow", "lost"])]


@pytest.mark.parametrize(
    "other",
    [
        arm("b", workload="place"),
        arm("b", profile="idiomatic"),
        arm("b", settings={"lock": "for_update"}),
    ],
)
def test_what_is_not_the_same_work_is_never_in_one_table(other: Arm) -> None:
    assert tables(arm("a"), other) == [([], ["a"]), ([], ["b"])]


def test_a_ceiling_stands_with_every_table_that_it_limits() -> None:
    arms = (
        arm("pgbench", role="ceiling", settings={"clients": 16}),
        arm("a", settings={"clients": 16, "pool_size": 4}),
        arm("b", settings={"clients": 16, "pool_size": 8}),
        arm("c", settings={"clients": 1}),
    )

    assert tables(*arms) == [(["pgbench"], ["a"]), (["pgbench"], ["b"]), ([], ["c"])]


def test_a_ceiling_that_limits_nothing_is_still_shown() -> None:
    arms = arm("pgbench", role="ceiling", workload="place"), arm("a")

    assert tables(*arms) == [([], ["a"]), (["pgbench"], [])]


def test_the_write_plan_is_named_where_plans_differ() -> None:
    first, second = arm("a", write_plan="statements"), arm("a", write_plan="single")

    [same] = comparable_arms(run_of(first))
    [different] = comparable_arms(run_of(first, second))

    assert same.label(first) == "a"
    assert [different.label(arm) for arm in (first, second)] == ["a statements", "a single"]


def test_strategies_of_one_write_plan_are_not_renamed_by_another_ceiling() -> None:
    strategy = arm("a", write_plan="statements")
    ceilings = [
        arm("pgbench", role="ceiling", write_plan="statements"),
        arm("pgbench", role="ceiling", write_plan="single"),
    ]

    [table] = comparable_arms(run_of(strategy, *ceilings))

    assert table.label(strategy) == "a"
    assert [table.label(arm) for arm in ceilings] == ["pgbench statements", "pgbench single"]


def test_in_an_open_loop_all_do_what_is_offered_and_the_shortest_wait_comes_first() -> None:
    load: dict[str, JsonValue] = {"rate": "100 per s", "arrivals": "poisson"}
    arms = (
        arm("few samples", ok_per_s=100, settings=load),
        arm("slow", ok_per_s=101, p50_us=900, settings=load),
        arm("fast", ok_per_s=99, p50_us=300, settings=load),
    )

    assert tables(*arms) == [([], ["fast", "slow", "few samples"])]


def test_slowed_arms_and_copies_are_told_from_the_others() -> None:
    arms = [arm("a"), arm("a", busy_wait_us=34.6), arm("a", copy_number=2)]

    [table] = comparable_arms(run_of(*arms))

    assert [table.label(each) for each in arms] == ["a", "a +34.6 µs", "a (2)"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"clients": 8}, "charge, matched profile"),
        (
            {"rate": "60% of slowest", "arrivals": "poisson"},
            "charge, matched profile, poisson at 60% of slowest",
        ),
        ({"network_rtt_ms": 0.5}, "charge, matched profile, 0.5 ms away"),
        ({"network_rtt_ms": 2.0}, "charge, matched profile, 2 ms away"),
    ],
)
def test_the_title_names_the_load_and_the_network(
    settings: dict[str, JsonValue], expected: str
) -> None:
    [table] = comparable_arms(run_of(arm("a", settings=settings)))

    assert table.title == expected


def test_settings_are_written_in_a_fixed_order() -> None:
    [table] = comparable_arms(run_of(arm("a", settings={"pool": 4, "clients": 16, "tls": False})))

    assert table.settings_text == "clients=16, pool=4, tls=false"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ()),
        ({"fsync": "on", "shared_buffers": "1GB"}, ()),
        (
            {"synchronous_commit": "off", "fsync": "off"},
            ("fsync=off", "synchronous_commit=off"),
        ),
    ],
)
def test_a_changed_durability_is_named(settings: dict[str, str], expected: tuple[str, ...]) -> None:
    server = Server(version="18.6", origin="dsn", settings=settings)

    assert changed_durability(server) == expected
