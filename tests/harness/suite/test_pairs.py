"""Every arm is compared with the one that differs from it in what is asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from outboxbench.harness.environments.worker_environment import WorkerEnvironment
from outboxbench.harness.suite.model import Suite
from outboxbench.harness.suite.pairs import pairs
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.server_versions import ServerVersion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.harness.suite.plan import PlannedArm


def pairs_of(reference: str = "asyncpg", **arm: Any) -> list[tuple[str, str]]:
    matrix = {"strategies": ["asyncpg", "psycopg"], "loops": ["uvloop"], **arm}
    plan = make_plan(
        Suite.model_validate({"name": "mine", "description": "mine", "arms": [matrix]})
    )
    load = "/charge/matched/16 clients"
    return [
        (base.name.replace(load, ""), head.name.replace(load, ""))
        for base, head in pairs(plan.arms, reference)
    ]


def test_a_strategy_is_compared_with_the_reference_on_its_loop_and_under_its_load() -> None:
    assert pairs_of(loops=["asyncio", "uvloop"], clients=[2, 16]) == [
        (f"asyncpg/{loop}{clients}", f"psycopg/{loop}{clients}")
        for loop in ("asyncio", "uvloop")
        for clients in ("/charge/matched/2 clients", "")
    ]


def test_any_strategy_may_be_the_reference() -> None:
    assert pairs_of("psycopg") == [("psycopg/uvloop", "asyncpg/uvloop")]


def test_without_the_reference_nothing_is_compared() -> None:
    assert pairs_of("orm-psycopg") == []


def test_every_second_copy_is_compared_with_the_one_before() -> None:
    assert pairs_of(strategies=["asyncpg"], copies=5) == [
        ("asyncpg/uvloop", "asyncpg/uvloop/copy 2"),
        ("asyncpg/uvloop/copy 3", "asyncpg/uvloop/copy 4"),
    ]


def test_an_arm_that_was_slowed_is_compared_with_the_one_that_was_not() -> None:
    assert pairs_of(strategies=["asyncpg"], copies=2, busy_wait_us=[0.0, 30.0]) == [
        ("asyncpg/uvloop", "asyncpg/uvloop/copy 2"),
        ("asyncpg/uvloop", "asyncpg/uvloop/30 µs slower"),
        ("asyncpg/uvloop/copy 2", "asyncpg/uvloop/30 µs slower/copy 2"),
    ]


def test_arms_with_rates_of_their_own_are_not_compared() -> None:
    assert pairs_of(rates=["50% of own", "50% of slowest"]) == [
        ("asyncpg/uvloop/50% of slowest", "psycopg/uvloop/50% of slowest")
    ]


def test_arms_with_rates_of_their_own_are_not_compared_either_when_slowed_or_copied() -> None:
    assert pairs_of(rates=["50% of own"], copies=2, busy_wait_us=[0.0, 30.0]) == []


def test_copies_of_several_strategies_are_compared_with_their_own_kind() -> None:
    assert pairs_of(copies=2) == [
        ("asyncpg/uvloop", "asyncpg/uvloop/copy 2"),
        ("asyncpg/uvloop", "psycopg/uvloop"),
        ("psycopg/uvloop", "psycopg/uvloop/copy 2"),
    ]


def test_an_arm_that_was_slowed_has_no_pair_without_the_one_that_was_not() -> None:
    assert pairs_of(busy_wait_us=[30.0]) == []


def test_a_strategy_is_compared_at_the_same_rate_and_distance_only() -> None:
    assert pairs_of(rates=[50.0, "60% of slowest"], network_rtt_ms=[0.0, 2.0]) == [
        (f"asyncpg/uvloop/{away} ms away/{rate}", f"psycopg/uvloop/{away} ms away/{rate}")
        for rate in ("50 per s", "60% of slowest")
        for away in (0, 2)
    ]


def test_a_ceiling_is_part_of_no_pair() -> None:
    names = {name for pair in pairs_of() for name in pair}

    assert names == {"asyncpg/uvloop", "psycopg/uvloop"}


def test_what_was_not_measured_is_compared_with_nothing() -> None:
    matrix = {"strategies": ["asyncpg", "psycopg"], "loops": ["uvloop"]}
    document = {"name": "mine", "description": "mine", "arms": [matrix]}
    arms = make_plan(Suite.model_validate(document)).arms

    assert [(base.name, head.name) for base, head in pairs(arms[1:2], "asyncpg")] == []
    assert pairs([], "asyncpg") == []


BASE = WorkerEnvironment("asyncpg==0.30.0", Path("/one/bin/python"), is_base=True)
HEAD = WorkerEnvironment("asyncpg==0.32.0", Path("/two/bin/python"))
OLD = ServerVersion("PostgreSQL 15.14", Path("/15/bin"), is_base=True)
NEW = ServerVersion("PostgreSQL 18.6", Path("/18/bin"))


def named(arms: Iterable[PlannedArm], reference: str | None = "asyncpg") -> list[tuple[str, str]]:
    load = "uvloop/charge/matched/8 clients/"
    return [
        (base.name.replace(load, ""), head.name.replace(load, ""))
        for base, head in pairs(arms, reference)
    ]


def measured(**where: Any) -> tuple[PlannedArm, ...]:
    matrix = {"strategies": ["asyncpg", "psycopg"], "loops": ["uvloop"], "clients": [8]}
    document = {"name": "x", "description": "x", "arms": [matrix], "ceiling": False}
    return make_plan(Suite.model_validate(document), **where).arms


def test_an_arm_in_another_environment_is_compared_with_itself_in_the_base() -> None:
    arms = measured(environments=(BASE, HEAD))

    assert named(arms) == [
        ("asyncpg/asyncpg==0.30.0", "asyncpg/asyncpg==0.32.0"),
        ("asyncpg/asyncpg==0.30.0", "psycopg/asyncpg==0.30.0"),
        ("psycopg/asyncpg==0.30.0", "psycopg/asyncpg==0.32.0"),
    ]
    # A check of one revision against another asks for nothing else.
    assert named(arms, None) == [
        ("asyncpg/asyncpg==0.30.0", "asyncpg/asyncpg==0.32.0"),
        ("psycopg/asyncpg==0.30.0", "psycopg/asyncpg==0.32.0"),
    ]


def test_an_arm_on_another_server_is_compared_with_itself_on_the_base() -> None:
    assert named(measured(servers=(OLD, NEW)), None) == [
        ("asyncpg/PostgreSQL 15.14", "asyncpg/PostgreSQL 18.6"),
        ("psycopg/PostgreSQL 15.14", "psycopg/PostgreSQL 18.6"),
    ]


def test_environments_are_compared_on_their_own_server_and_servers_in_the_base() -> None:
    arms = measured(environments=(BASE, HEAD), servers=(OLD, NEW))

    assert named([arm for arm in arms if arm.name.startswith("asyncpg/")], None) == [
        ("asyncpg/asyncpg==0.30.0/PostgreSQL 15.14", "asyncpg/asyncpg==0.30.0/PostgreSQL 18.6"),
        ("asyncpg/asyncpg==0.30.0/PostgreSQL 15.14", "asyncpg/asyncpg==0.32.0/PostgreSQL 15.14"),
        ("asyncpg/asyncpg==0.30.0/PostgreSQL 18.6", "asyncpg/asyncpg==0.32.0/PostgreSQL 18.6"),
    ]
