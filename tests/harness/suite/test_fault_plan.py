"""What a suite of faults is planned to be, and what of it is refused before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from tests.harness.suite.fault_suites import QUICK, suite

from outboxbench.analysis.history.operations import NONE_LOST, NONE_TWICE
from outboxbench.harness.errors import BadInput
from outboxbench.harness.suite.fault_plan import plan_faults
from outboxbench.harness.suite.model import Suite, load_suite

if TYPE_CHECKING:
    from pathlib import Path


def test_every_combination_is_an_arm_in_an_order_that_the_seed_determines() -> None:
    matrix = {"strategies": ["asyncpg", "psycopg"], "retries": ["safe", "naive"]}
    arms = plan_faults(suite(**matrix))
    assert len({arm.name for arm in arms}) == len(arms) == 2 * 2 * 2
    assert "reset/psycopg/uvloop/matched/naive retries/charge/200 per s" in {
        arm.name for arm in arms
    }
    assert plan_faults(suite(**matrix)) == arms


def test_strategies_of_any_speed_meet_the_same_load_and_the_same_faults() -> None:
    arms = plan_faults(
        suite(strategies=["asyncpg", "psycopg"], rates_per_s=[50.0, 100.0], busy_wait_us=[0.0, 1e3])
    )
    assert len(arms) == 2 * 2 * 2 * 2
    assert {arm.chances for arm in arms} == {
        f"{fault}/charge/{rate} per s"
        for fault in ("reset", "commit-cut-after")
        for rate in (50, 100)
    }
    slowed = {arm.name for arm in arms if arm.busy_wait_us}
    assert all(name.endswith("/1000 µs slower") for name in slowed)
    assert len(slowed) == len(arms) / 2


def test_relays_are_axes_of_their_own_and_names_tell_of_them_only_where_there_are_some() -> None:
    (alone,) = plan_faults(suite(faults=["reset"]))
    assert (alone.relaying, alone.workload) == (None, "charge")
    assert "relay" not in alone.name
    arms = plan_faults(
        suite(faults=["relay-kill"], relays=1, relay_plans=["lease", "sharded", "delete"])
    )
    assert {arm.name for arm in arms} == {
        "relay-kill/asyncpg/uvloop/matched/safe retries/place/200 per s/1 relay/"
        f"{plan}/memory/notify"
        for plan in ("lease", "sharded", "delete")
    }
    brokers = plan_faults(suite(faults=["reset"], relays=2, brokers=["memory", "nats"]))
    assert {arm.relaying and arm.relaying.broker for arm in brokers} == {"memory", "nats"}


def test_what_a_fault_or_a_retry_is_there_to_show_is_expected_of_its_arm() -> None:
    faults = ["server-crash", "reset"]
    arms = plan_faults(
        suite(faults=faults, synchronous_commit=["on", "off"], retries=["safe", "naive"])
    )
    lossy = {arm.name for arm in arms if NONE_LOST in arm.expected_findings}
    assert lossy == {
        f"server-crash/asyncpg/uvloop/matched/{retries} retries/charge/200 per s/"
        "synchronous_commit off"
        for retries in ("safe", "naive")
    }
    assert {arm.retrying.mode for arm in arms if NONE_TWICE in arm.expected_findings} == {"naive"}
    failovers = plan_faults(suite(faults=["failover-async", "failover-sync"]))
    assert {arm.kind.name: arm.expected_findings for arm in failovers} == {
        "failover-async": (NONE_LOST,),
        "failover-sync": (),
    }


def test_what_a_suite_says_wrongly_of_faults_is_refused() -> None:
    with pytest.raises(ValidationError, match="allowed are backend-kill"):
        suite(faults=["earthquake"])
    with pytest.raises(ValidationError, match="multiple of workers"):
        suite(clients=5, workers=2)
    twins = Suite.model_validate(
        {
            "name": "twins",
            "description": "twins",
            "faults": [QUICK, {**QUICK, "injections": 3}],
        }
    )
    with pytest.raises(BadInput, match="measure them in two suites"):
        plan_faults(twins)


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        ({"faults": ["relay-freeze"]}, "relay-freeze needs relays: set relays = 2"),
        ({"faults": ["broker-down"]}, "broker-down needs relays: set relays = 2"),
        (
            {"faults": ["broker-down"], "relays": 2, "brokers": ["memory", "nats"]},
            r'broker-down needs a broker of its own: set brokers = \["nats"\]',
        ),
        (
            {"faults": ["relay-freeze"], "relays": 1, "hold_s": 3.0},
            "another relay to take over: set relays = 2",
        ),
        (
            {"faults": ["relay-freeze"], "relays": 2, "hold_s": 2.0},
            "set hold_s above lease_s, which is 2",
        ),
        ({"relays": 2, "workload": "mixed"}, "with relays, workload is one of place, amend"),
        ({"relay_plans": ["delete"]}, "relay_plans is of relays, and there are none: set relays"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:24],
)
def test_faults_and_relays_that_do_not_go_together_are_refused(
    matrix: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadInput, match=reason):
        plan_faults(suite(**matrix))


def test_a_failover_whose_loss_could_not_be_counted_is_refused() -> None:
    with pytest.raises(ValidationError, match="cannot be had with failover-sync"):
        suite(faults=["reset", "failover-sync"], synchronous_commit=["off"])


def test_how_clients_find_a_promoted_server_is_told_where_they_know_both_hosts() -> None:
    arms = plan_faults(suite(faults=["failover-async"], find_by=["proxy", "hosts"]))
    name = "failover-async/asyncpg/uvloop/matched/safe retries/charge/200 per s"
    assert {arm.name: arm.find_by for arm in arms} == {
        name: "proxy",
        f"{name}/found by hosts": "hosts",
    }
    assert len({arm.chances for arm in arms}) == 1


def test_hosts_are_known_only_where_there_is_a_second_server(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\ndescription = "mine"\n[[faults]]\nstrategies = ["asyncpg"]\n'
        'faults = ["failover-sync", "reset"]\nfind_by = ["hosts"]\n'
    )
    with pytest.raises(BadInput, match=r'find_by = "hosts" cannot be had with reset, where'):
        load_suite(str(path))


def test_arms_that_differ_in_fault_and_load_alone_have_the_same_capacity() -> None:
    same = plan_faults(suite(measures_capacity=True, rates_per_s=[50.0, 100.0]))
    assert len(same) == 4
    assert all(arm.measures_capacity for arm in same)
    (sizing,) = {arm.sizing for arm in same}
    for changes in (
        {"strategies": ["psycopg"]},
        {"loops": ["asyncio"]},
        {"profiles": ["idiomatic"]},
        {"retries": ["none"]},
        {"synchronous_commit": ["off"]},
        {"isolations": ["serializable"]},
        {"workload": "mixed"},
        {"clients": 8},
        {"workers": 2},
        {"busy_wait_us": [1_000.0]},
    ):
        assert {arm.sizing for arm in plan_faults(suite(**changes))}.isdisjoint({sizing}), changes
    assert not any(arm.measures_capacity for arm in plan_faults(suite()))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"faults": ["failover-sync", "reset"]}, "cannot be had with failover-sync:"),
        ({"faults": ["disk-full"]}, "cannot be had with disk-full:"),
        ({"relays": 2}, "cannot be had with relays:"),
    ],
)
def test_a_capacity_of_something_else_than_the_faulted_load_is_refused(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        suite(measures_capacity=True, **changes)
