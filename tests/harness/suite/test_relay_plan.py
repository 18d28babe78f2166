"""Every relay arm comes once a round, in an order that only the seed determines."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest
from pydantic import ValidationError

from outboxbench.harness.errors import BadInput
from outboxbench.harness.relaying.backlog import Backlog
from outboxbench.harness.suite.model import Suite
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.relay_plan import (
    ChainArm,
    DrainArm,
    RelayRounds,
    load_of,
    plan_relays,
    reference_of,
)


def suite(**changes: Any) -> Suite:
    return Suite.model_validate({"name": "mine", "description": "mine", **changes})


def drains(**changes: Any) -> RelayRounds:
    return plan_relays(suite(drains=[{"strategies": ["asyncpg"], **changes}]))


def chains(**changes: Any) -> RelayRounds:
    return plan_relays(suite(chains=[{"strategies": ["asyncpg"], **changes}]))


def names(plan: RelayRounds) -> list[str]:
    return [arm.name for arm in plan.arms]


TWO_OF_EACH = {
    "drains": [{"strategies": ["asyncpg", "psycopg"]}],
    "chains": [{"strategies": ["asyncpg", "psycopg"]}],
}


def test_every_relay_arm_comes_once_a_round_whatever_it_measures() -> None:
    plan = plan_relays(suite(rounds=5, **TWO_OF_EACH))

    assert len(plan.arms) == 2 * 2 * 3
    assert plan.blocks == 5 * 12
    for order in plan.rounds:
        assert len(order) == 12
        assert set(order) == set(plan.arms)


def test_the_order_is_another_in_each_round_and_a_function_of_the_seed() -> None:
    first, again, other = (plan_relays(suite(seed=seed, **TWO_OF_EACH)) for seed in (3, 3, 4))

    assert first == again
    assert first.arms == other.arms
    assert first.rounds != other.rounds
    assert len(set(first.rounds)) == len(first.rounds)


def test_arms_under_the_same_load_are_measured_one_after_the_other() -> None:
    strategies = {"strategies": ["asyncpg", "psycopg"]}
    drained = {"plans": ["lease", "delete"], "shapes": ["interleaved", "hot"], "busy_us": [0, 50]}
    plan = plan_relays(
        suite(
            rounds=4,
            drains=[{**strategies, **drained}],
            chains=[{**strategies, "orders_per_s": rate} for rate in (10, 20)],
        )
    )

    for order in plan.rounds:
        loads = [load for load, _ in groupby(map(load_of, order))]
        # Two shapes with and without a busy receiver, and two rates.
        assert len(loads) == len(set(loads)) == 6


def test_every_combination_of_a_drains_axes_is_an_arm_with_a_name_of_its_own() -> None:
    plan = drains(
        loops=["asyncio", "uvloop"],
        plans=["lease", "delete"],
        brokers=["memory", "nats"],
        relays=[1, 2],
        shapes=["interleaved", "hot"],
        batches=[10, 500],
        busy_us=[0.0, 50.0],
        messages=30,
        aggregates=3,
    )

    assert len(set(names(plan))) == len(plan.arms) == 2**7
    assert "drain/asyncpg/uvloop/lease/memory/1 relay/interleaved/batches of 500" in names(plan)
    assert "drain/asyncpg/asyncio/delete/nats/2 relays/hot/batches of 10/50 µs each" in names(plan)
    backlogs = {arm.backlog for arm in plan.arms if isinstance(arm, DrainArm)}
    assert backlogs == {Backlog(30, 3, "interleaved"), Backlog(30, 3, "hot")}


def test_every_combination_of_a_chains_axes_is_an_arm_with_a_name_of_its_own() -> None:
    plan = chains(plans=["lease", "sharded"], wake_ups=["notify", "poll"], relays=[1, 2])

    assert len(set(names(plan))) == len(plan.arms) == 2**3
    assert all(isinstance(arm, ChainArm) for arm in plan.arms)
    assert "chain/asyncpg/uvloop/lease/memory/2 relays/poll/150 orders per s" in names(plan)


def test_a_log_tells_of_commits_itself_whatever_wakes_other_relays() -> None:
    plan = chains(plans=["lease", "log"], wake_ups=["notify", "poll"])

    wake_ups = {(arm.plan, arm.wake_up) for arm in plan.arms if isinstance(arm, ChainArm)}
    assert wake_ups == {("lease", "notify"), ("lease", "poll"), ("log", "stream")}
    assert plan.read_the_log
    assert not chains(plans=["lease"]).read_the_log


@pytest.mark.parametrize("kind", ["drains", "chains"])
def test_a_log_has_one_reader(kind: str) -> None:
    with pytest.raises(ValidationError, match="relays must be 1"):
        suite(**{kind: [{"strategies": ["asyncpg"], "plans": ["lease", "log"], "relays": [1, 2]}]})


def test_a_suite_without_relays_plans_none() -> None:
    plan = plan_relays(suite(arms=[{"strategies": ["asyncpg"]}], rounds=2))

    assert plan.arms == ()
    assert plan.blocks == 0


def test_only_keeps_what_it_names() -> None:
    plan = plan_relays(suite(**TWO_OF_EACH), frozenset({"psycopg"}))

    assert {arm.strategy.name for arm in plan.arms} == {"psycopg"}
    assert len(plan.arms) == 6


def test_a_strategy_that_a_suite_names_nowhere_comes_into_all_its_relays() -> None:
    plan = plan_relays(suite(**TWO_OF_EACH), frozenset({"psycopg", "core-asyncpg"}))

    assert {arm.strategy.name for arm in plan.arms} == {"psycopg", "core-asyncpg"}
    assert len(plan.arms) == 12


def test_a_strategy_that_is_named_among_writers_stays_there() -> None:
    chosen = suite(arms=[{"strategies": ["orm-asyncpg"]}], **TWO_OF_EACH)

    assert plan_relays(chosen, frozenset({"orm-asyncpg"})).arms == ()
    assert make_plan(chosen, frozenset({"psycopg"})).arms == ()


def test_a_strategy_without_a_server_has_no_relay_to_measure() -> None:
    with pytest.raises(BadInput, match="memory needs no server"):
        drains(strategies=["memory"])


def test_the_same_arm_twice_is_measured_once() -> None:
    matrix = {"strategies": ["asyncpg"]}

    assert plan_relays(suite(drains=[matrix, matrix])) == plan_relays(suite(drains=[matrix]))


@pytest.mark.parametrize(
    ("key", "difference"),
    [
        ("drains", {"messages": 7}),
        ("drains", {"aggregates": 7}),
        ("drains", {"lease_s": 7.0}),
        ("chains", {"clients": 7}),
        ("chains", {"handlers": 7}),
        ("chains", {"batch": 7}),
        ("chains", {"lease_s": 7.0}),
    ],
)
def test_two_arms_that_a_table_could_not_tell_apart_are_refused(
    key: str, difference: dict[str, Any]
) -> None:
    matrix = {"strategies": ["asyncpg"], "plans": ["lease"]}

    with pytest.raises(BadInput, match=r"two arms .*/asyncpg/.* measure them in two suites") as no:
        plan_relays(suite(**{key: [matrix, {**matrix, **difference}]}))

    assert "\n" not in str(no.value)


def references(plan: RelayRounds) -> dict[str, str]:
    found = ((arm, reference_of(arm, plan.arms, "asyncpg")) for arm in plan.arms)
    return {arm.name: base.name for arm, base in found if base is not None}


def test_a_strategy_is_held_against_the_reference_under_the_same_plan_and_load() -> None:
    plan = drains(strategies=["asyncpg", "psycopg"], plans=["delete"], batches=[10, 500])

    name = "drain/{}/uvloop/delete/memory/1 relay/interleaved/batches of {}"
    assert references(plan) == {
        name.format("psycopg", batch): name.format("asyncpg", batch) for batch in (10, 500)
    }


def test_the_plans_of_the_reference_are_held_against_lease() -> None:
    name = "drain/asyncpg/uvloop/{}/memory/{}/interleaved/batches of 500"

    assert references(drains(relays=[1, 2])) == {
        name.format(plan, relays): name.format("lease", relays)
        for plan in ("sharded", "delete")
        for relays in ("1 relay", "2 relays")
    }


def test_where_nothing_differs_in_strategy_or_plan_alone_there_is_no_reference() -> None:
    matrices = [
        {"strategies": ["asyncpg"], "plans": ["lease"], "batches": [10]},
        {"strategies": ["psycopg"], "plans": ["lease"], "batches": [500]},
    ]

    assert references(plan_relays(suite(drains=matrices))) == {}
