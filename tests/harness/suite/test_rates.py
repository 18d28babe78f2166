"""Rates are so many a second, or a share of a capacity that is measured first."""

from __future__ import annotations

from typing import Any

import pytest

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.suite.capacities import arms_to_size, offered_rates
from outboxbench.harness.suite.model import Suite
from outboxbench.harness.suite.plan import Plan, StrategyArm, make_plan
from outboxbench.harness.suite.rates import FixedRate, RelativeRate, parse_rate

CAPACITIES = {"asyncpg": 3000.0, "psycopg": 2000.0}


def plan_of(*arms: dict[str, Any]) -> Plan:
    matrices = [{"strategies": ["asyncpg", "psycopg"], "loops": ["uvloop"], **arm} for arm in arms]
    return make_plan(
        Suite.model_validate({"name": "mine", "description": "mine", "arms": matrices})
    )


def offered(*arms: dict[str, Any]) -> dict[str, float]:
    plan = plan_of(*arms)
    capacities = {
        arm: CAPACITIES[arm.strategy.name] / (10 if arm.workload == "place" else 1)
        for arm in arms_to_size(plan)
    }
    return {arm.name: rate for arm, rate in offered_rates(plan, capacities).items()}


@pytest.mark.parametrize(
    ("value", "rate", "text"),
    [
        (250.0, FixedRate(250.0), "250 per s"),
        (40, FixedRate(40.0), "40 per s"),
        ("60% of slowest", RelativeRate(60.0, "slowest"), "60% of slowest"),
        ("12.5% of own", RelativeRate(12.5, "own"), "12.5% of own"),
        # Figures that were rounded would give two rates one name.
        (1_234_567.0, FixedRate(1_234_567.0), "1234567 per s"),
        ("33.333333% of own", RelativeRate(33.333333, "own"), "33.333333% of own"),
    ],
)
def test_a_rate_is_read_and_written(
    value: float | str, rate: FixedRate | RelativeRate, text: str
) -> None:
    assert parse_rate(value) == rate
    assert str(rate) == text


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1.0, float("nan"), float("inf"), 1e9),
        *("", "60", "60%", "0% of own", "-5% of own", "2000% of own", "60% of fastest"),
        *("60 % of slowest", " 60% of slowest", "60% of slowest ", "60% OF OWN", "1e2% of own"),
    ],
)
def test_anything_else_is_no_rate(value: float | str) -> None:
    with pytest.raises(ValueError, match="allowed are operations per second"):
        parse_rate(value)


def test_a_share_of_the_slowest_is_the_same_for_all_of_a_table() -> None:
    rates = offered({"rates": ["60% of slowest"], "workloads": ["charge", "place"]})

    assert rates == {
        f"{strategy}/uvloop/{workload}/matched/16 clients/60% of slowest": per_s
        for strategy in CAPACITIES
        for workload, per_s in (("charge", 1200.0), ("place", 120.0))
    }


def slow_where(plan: Plan, **trait: Any) -> dict[str, float]:
    """Offered rates, when psycopg is slower still under one load."""
    ((name, value),) = trait.items()
    capacities = {
        arm: 100.0
        if arm.strategy.name == "psycopg" and getattr(arm, name) == value
        else CAPACITIES[arm.strategy.name]
        for arm in arms_to_size(plan)
    }
    return {arm.name: rate for arm, rate in offered_rates(plan, capacities).items()}


@pytest.mark.parametrize(
    ("axis", "values", "trait", "slow", "fast"),
    [
        ("clients", [4, 8], "clients", "4 clients", "8 clients"),
        ("network_rtt_ms", [4.0, 8.0], "network_rtt_ms", "4 ms away", "8 ms away"),
        ("workloads", ["place", "hot"], "workload", "place", "hot"),
        ("profiles", ["idiomatic", "matched"], "profile", "idiomatic", "matched"),
    ],
)
def test_the_slowest_under_another_load_does_not_count(
    axis: str, values: list[Any], trait: str, slow: str, fast: str
) -> None:
    plan = plan_of({"rates": ["50% of slowest"], axis: values})

    rates = slow_where(plan, **{trait: values[0]})

    assert len(rates) == 4
    assert {rate for name, rate in rates.items() if f"/{slow}/" in name} == {50.0}
    assert {rate for name, rate in rates.items() if f"/{fast}/" in name} == {1000.0}


def test_the_slowest_is_that_of_both_event_loops() -> None:
    plan = plan_of({"rates": ["50% of slowest"], "loops": ["asyncio", "uvloop"]})

    assert set(slow_where(plan, loop="asyncio").values()) == {50.0}


def test_a_rate_that_is_given_needs_no_capacity() -> None:
    plan = plan_of({"rates": [70.0]})

    assert arms_to_size(plan) == ()
    assert set(offered_rates(plan, {}).values()) == {70.0}


def test_a_closed_loop_is_offered_nothing() -> None:
    plan = plan_of({})

    assert arms_to_size(plan) == ()
    assert offered_rates(plan, {}) == {}


def test_a_share_of_an_arms_own_is_its_own() -> None:
    rates = offered({"rates": ["50% of own", 70.0]})

    assert rates == {
        "asyncpg/uvloop/charge/matched/16 clients/50% of own": 1500.0,
        "psycopg/uvloop/charge/matched/16 clients/50% of own": 1000.0,
        "asyncpg/uvloop/charge/matched/16 clients/70 per s": 70.0,
        "psycopg/uvloop/charge/matched/16 clients/70 per s": 70.0,
    }


def test_a_capacity_is_measured_once_and_only_where_a_rate_refers_to_it() -> None:
    plan = plan_of({"rates": ["50% of own", "60% of slowest"]}, {"rates": [50.0], "clients": [2]})

    sized = arms_to_size(plan)

    assert [arm.name for arm in sized] == [
        f"{strategy}/uvloop/charge/matched/16 clients" for strategy in CAPACITIES
    ]
    assert all(isinstance(arm, StrategyArm) and arm.open_loop is None for arm in sized)


def test_no_rate_is_a_share_of_nothing() -> None:
    plan = plan_of({"rates": ["50% of own"]})

    with pytest.raises(
        CannotRun, match=r"^the arm asyncpg/.* did not commit a single operation.*without rates$"
    ):
        offered_rates(plan, dict.fromkeys(arms_to_size(plan), 0.0))


def test_an_open_loop_has_no_ceiling() -> None:
    plan = plan_of({"rates": [50.0]}, {"clients": [2]})

    assert [arm.name for arm in plan.arms if not isinstance(arm, StrategyArm)] == [
        "pgbench/charge/matched/2 clients"
    ]


def test_a_ceiling_is_as_far_away_as_its_arms() -> None:
    plan = plan_of({"network_rtt_ms": [0.0, 0.5]})

    assert [arm.name for arm in plan.arms if not isinstance(arm, StrategyArm)] == [
        "pgbench/charge/matched/16 clients/0 ms away",
        "pgbench/charge/matched/16 clients/0.5 ms away",
    ]
