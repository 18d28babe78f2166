"""A plan holds every arm once a round, in an order that only the seed determines."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest

from outboxbench.core.strategies.registry import strategy_names
from outboxbench.harness.errors import BadInput
from outboxbench.harness.suite.model import Suite
from outboxbench.harness.suite.plan import (
    CEILING,
    CeilingArm,
    OpenLoop,
    Plan,
    StrategyArm,
    ceiling_of,
    make_plan,
    table_of,
)
from outboxbench.harness.suite.rates import FixedRate


def suite(*arms: dict[str, Any], **changes: Any) -> Suite:
    matrix = {"strategies": ["asyncpg", "psycopg"]}
    document = {"name": "mine", "description": "mine", "arms": arms or [matrix], **changes}
    return Suite.model_validate(document)


def test_every_arm_comes_once_a_round() -> None:
    plan = make_plan(suite(rounds=7))

    assert len(plan.arms) == 2 * 2 + 1
    assert len(plan.rounds) == 7
    assert plan.blocks == 7 * 5
    for order in plan.rounds:
        assert sorted(arm.name for arm in order) == sorted(arm.name for arm in plan.arms)


def test_the_order_is_random_and_a_function_of_the_seed() -> None:
    assert make_plan(suite(seed=3)).rounds == make_plan(suite(seed=3)).rounds
    assert make_plan(suite(seed=3)).rounds != make_plan(suite(seed=4)).rounds
    assert len(set(make_plan(suite(seed=3, rounds=10)).rounds)) > 1


def test_arms_of_a_table_are_measured_one_after_the_other() -> None:
    plan = make_plan(
        suite(
            {
                "strategies": ["asyncpg", "psycopg"],
                "clients": [1, 4],
                "workloads": ["charge", "hot"],
            },
            {"strategies": ["asyncpg", "psycopg"], "rates": [100, 200]},
            rounds=4,
        )
    )

    for order in plan.rounds:
        tables = [next(group) for _, group in groupby(map(table_of, order))]
        # Two loads with two numbers of clients, and two rates.
        assert len(tables) == len(set(tables)) == 6
    ceiling = next(arm for arm in plan.arms if isinstance(arm, CeilingArm) and arm.clients == 4)
    assert sum(table_of(arm) == table_of(ceiling) for arm in plan.arms) == 2 * 2 + 1


def test_every_combination_of_an_arms_axes_is_measured() -> None:
    plan = make_plan(
        suite(
            {
                "strategies": ["asyncpg"],
                "loops": ["uvloop"],
                "workloads": ["charge", "amend"],
                "profiles": ["matched", "idiomatic"],
                "isolations": ["read committed", "serializable"],
                "clients": [1, 2],
            },
            ceiling=False,
        )
    )

    assert len({arm.name for arm in plan.arms}) == len(plan.arms) == 2**4
    assert "asyncpg/uvloop/amend/idiomatic/2 clients/serializable" in {
        arm.name for arm in plan.arms
    }


def test_an_arm_is_held_against_its_own_write_plan_and_group_against_statements() -> None:
    strategies = ["asyncpg", "asyncpg-single", "psycopg-pipeline", "asyncpg-group"]
    plan = make_plan(suite({"strategies": strategies, "loops": ["uvloop"]}))

    held_against = {
        arm.strategy.name: ceiling.name.partition("/")[0]
        for arm in plan.arms
        if isinstance(arm, StrategyArm) and (ceiling := ceiling_of(arm))
    }
    assert held_against == {
        "asyncpg": "pgbench",
        "asyncpg-single": "pgbench-single",
        "psycopg-pipeline": "pgbench-pipeline",
        "asyncpg-group": "pgbench",
    }
    ceilings = {arm.name.partition("/")[0] for arm in plan.arms if isinstance(arm, CeilingArm)}
    assert ceilings == set(held_against.values())


def test_a_pool_has_a_connection_for_each_client_unless_said_otherwise() -> None:
    base = {"strategies": ["asyncpg"], "loops": ["uvloop"], "clients": [4]}
    default, chosen = (
        make_plan(suite({**base, **extra}, ceiling=False)).arms[0]
        for extra in ({}, {"pool_size": 2})
    )

    assert isinstance(default, StrategyArm)
    assert isinstance(chosen, StrategyArm)
    assert (default.pool_size, chosen.pool_size) == (4, 2)


def test_each_load_has_one_ceiling_where_pgbench_can_run_it() -> None:
    plan = make_plan(
        suite({"strategies": ["asyncpg", "psycopg"], "workloads": ["charge", "place", "mixed"]})
    )

    ceilings = [arm for arm in plan.arms if isinstance(arm, CeilingArm)]
    assert [arm.workload for arm in ceilings] == ["charge", "place"]
    assert all(arm.name.startswith(f"{CEILING}/") for arm in ceilings)


def test_a_suite_can_do_without_a_ceiling() -> None:
    plan = make_plan(suite(ceiling=False))

    assert all(isinstance(arm, StrategyArm) for arm in plan.arms)


def test_only_keeps_the_ceiling_and_what_it_names() -> None:
    plan = make_plan(suite(), frozenset({"psycopg"}))

    assert {arm.name.partition("/")[0] for arm in plan.arms} == {CEILING, "psycopg"}


def strategies_of(plan: Plan) -> dict[str, set[str]]:
    """Return what is measured under each workload."""
    measured: dict[str, set[str]] = {}
    for arm in plan.arms:
        if isinstance(arm, StrategyArm):
            measured.setdefault(arm.workload, set()).add(arm.strategy.name)
    return measured


TWO_MATRICES = (
    {"strategies": ["asyncpg", "psycopg"], "workloads": ["charge"]},
    {"strategies": ["psycopg"], "workloads": ["place"]},
)


def test_only_keeps_a_strategy_where_the_suite_names_it() -> None:
    plan = make_plan(suite(*TWO_MATRICES), frozenset({"asyncpg"}))

    assert strategies_of(plan) == {"charge": {"asyncpg"}}


def test_only_brings_a_strategy_that_the_suite_does_not_name_into_every_matrix() -> None:
    plan = make_plan(suite(*TWO_MATRICES), frozenset({"asyncpg", "orm-psycopg"}))

    assert strategies_of(plan) == {"charge": {"asyncpg", "orm-psycopg"}, "place": {"orm-psycopg"}}


def test_only_can_leave_nothing_of_what_the_suite_names() -> None:
    plan = make_plan(suite(*TWO_MATRICES), frozenset({"orm-psycopg"}))

    assert strategies_of(plan) == {"charge": {"orm-psycopg"}, "place": {"orm-psycopg"}}
    assert {arm.workload for arm in plan.arms if isinstance(arm, CeilingArm)} == {"charge", "place"}


def test_only_refuses_what_is_not_registered_with_the_names_of_what_is() -> None:
    with pytest.raises(BadInput) as caught:
        make_plan(suite(), frozenset({"psycopg", "no-such-strategy"}))

    assert str(caught.value) == (
        f"there is no strategy 'no-such-strategy'; registered are {', '.join(strategy_names())}"
    )


def test_only_cannot_bring_in_a_strategy_that_needs_no_server() -> None:
    with pytest.raises(BadInput, match="memory needs no server"):
        make_plan(suite(), frozenset({"asyncpg", "memory"}))


def test_a_strategy_without_a_server_cannot_be_measured_on_one() -> None:
    with pytest.raises(BadInput, match="memory needs no server"):
        make_plan(suite({"strategies": ["memory"]}))


def test_the_same_arm_twice_is_measured_once() -> None:
    arm = {"strategies": ["asyncpg"]}

    assert make_plan(suite(arm, arm)).arms == make_plan(suite(arm)).arms


EVERY_AXIS = {
    "strategies": ["asyncpg"],
    "loops": ["uvloop"],
    "rates": [50.0, "50% of own", "50% of slowest"],
    "network_rtt_ms": [0.0, 0.5],
    "copies": 2,
    "busy_wait_us": [0.0, 30.0],
}


def test_rates_distances_slowdowns_and_copies_are_axes_with_names_of_their_own() -> None:
    plan = make_plan(suite(EVERY_AXIS))

    names = [arm.name for arm in plan.arms]
    assert len(set(names)) == len(names) == 3 * 2 * 2 * 2
    assert [name for name in names if "/50 per s" in name and "/0 ms" in name] == [
        f"asyncpg/uvloop/charge/matched/16 clients/0 ms away/50 per s{slower}{copy}"
        for slower in ("", "/30 µs slower")
        for copy in ("", "/copy 2")
    ]


def test_names_do_not_depend_on_what_else_is_measured() -> None:
    alone = make_plan(suite(EVERY_AXIS | {"copies": 1, "rates": [50.0]}, seed=2))
    together = make_plan(suite(EVERY_AXIS, {"strategies": ["psycopg"]}))

    assert {arm.name for arm in alone.arms} < {arm.name for arm in together.arms}


def test_a_load_is_read_with_its_arrivals_and_its_patience() -> None:
    matrix = {**EVERY_AXIS, "rates": [50.0], "arrivals": "even", "max_wait_s": 0.25}
    plan = make_plan(suite(matrix, pin="auto"))

    loads = {arm.open_loop for arm in plan.arms if isinstance(arm, StrategyArm)}
    assert loads == {OpenLoop(FixedRate(50.0), "even", 0.25)}


def test_as_a_closed_loop_an_arm_keeps_all_but_its_rate() -> None:
    closed = {**EVERY_AXIS, "rates": None}
    open_arms = make_plan(suite(EVERY_AXIS)).arms
    closed_arms = make_plan(suite(closed, ceiling=False)).arms

    sized = {arm.as_closed_loop for arm in open_arms if isinstance(arm, StrategyArm)}
    assert sized == set(closed_arms)


def test_an_open_loop_has_no_ceiling_and_a_closed_one_of_the_same_load_has() -> None:
    assert not [arm for arm in make_plan(suite(EVERY_AXIS)).arms if isinstance(arm, CeilingArm)]

    both = make_plan(suite(EVERY_AXIS, {"strategies": ["asyncpg"], "loops": ["uvloop"]}))
    ceilings = [arm for arm in both.arms if isinstance(arm, CeilingArm)]
    assert [arm.name for arm in ceilings] == ["pgbench/charge/matched/16 clients"]
    held = [
        arm.open_loop
        for arm in both.arms
        if isinstance(arm, StrategyArm) and ceiling_of(arm) in ceilings
    ]
    assert held == [None]


def test_a_ceiling_is_behind_the_network_of_its_arms_and_there_once() -> None:
    matrix = {**EVERY_AXIS, "rates": None}
    plan = make_plan(suite(matrix))

    ceilings = {arm.network_rtt_ms for arm in plan.arms if isinstance(arm, CeilingArm)}
    assert ceilings == {0.0, 0.5}
    assert sum(isinstance(arm, CeilingArm) for arm in plan.arms) == 2
    for arm in plan.arms:
        if isinstance(arm, StrategyArm):
            ceiling = ceiling_of(arm)
            assert ceiling in plan.arms
            assert ceiling is not None
            assert ceiling.network_rtt_ms == arm.network_rtt_ms


def test_a_network_of_0_ms_is_not_the_same_as_none() -> None:
    arm = {"strategies": ["asyncpg"], "loops": ["uvloop"]}
    plan = make_plan(suite(arm, {**arm, "network_rtt_ms": [0.0]}))

    assert [each.name for each in plan.arms] == [
        "pgbench/charge/matched/16 clients",
        "asyncpg/uvloop/charge/matched/16 clients",
        "pgbench/charge/matched/16 clients/0 ms away",
        "asyncpg/uvloop/charge/matched/16 clients/0 ms away",
    ]


@pytest.mark.parametrize(
    "difference", [{"pool_size": 3}, {"workers": 2}, {"arrivals": "even"}, {"max_wait_s": 0.5}]
)
def test_two_arms_that_a_table_could_not_tell_apart_are_refused(
    difference: dict[str, Any],
) -> None:
    arm = {"strategies": ["asyncpg"], "rates": [50.0]}
    with pytest.raises(BadInput, match=r"two arms asyncpg/.* that differ only in pool_size"):
        make_plan(suite(arm, {**arm, **difference}))
