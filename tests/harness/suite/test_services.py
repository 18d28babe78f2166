"""Services in a suite: how they are written, planned and compared."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from outboxbench.harness.http.request_times import MedianRequest
from outboxbench.harness.suite.model import Suite
from outboxbench.harness.suite.pairs import pairs
from outboxbench.harness.suite.plan import ServiceArm, make_plan, table_of
from outboxbench.harness.suite.service_blocks import http_times


def suite(services: dict[str, Any] | None = None, **changes: Any) -> Suite:
    matrix = {"strategies": ["asyncpg", "psycopg"], "clients": [4], **(services or {})}
    fields = {"name": "tiny", "description": "x", "rounds": 3, "services": [matrix], **changes}
    return Suite.model_validate(fields)


def test_every_combination_of_the_axes_is_an_arm() -> None:
    arms = make_plan(suite({"instances": [1, 2], "clients": [4, 8]})).arms

    assert len(arms) == 2 * 2 * 2
    assert [arm.name for arm in arms][:2] == [
        "asyncpg/uvloop/charge/matched/4 clients/over HTTP, 1 instance",
        "asyncpg/uvloop/charge/matched/4 clients/over HTTP, 2 instances",
    ]
    assert all(isinstance(arm, ServiceArm) for arm in arms)


def test_relays_beside_a_service_are_part_of_its_name() -> None:
    arms = make_plan(suite({"workloads": ["place"], "relays": [0, 1, 2]})).arms

    assert [arm.name.partition("clients/")[2] for arm in arms[:3]] == [
        "over HTTP, 1 instance",
        "over HTTP, 1 instance, 1 relay",
        "over HTTP, 1 instance, 2 relays",
    ]


def test_the_clients_of_an_instance_have_a_connection_each_unless_it_is_said() -> None:
    def pool_sizes(services: dict[str, Any]) -> list[int]:
        arms = make_plan(suite(services, rounds=1)).arms
        return [arm.pool_size for arm in arms if isinstance(arm, ServiceArm)]

    assert pool_sizes({"clients": [7], "instances": [1, 2]}) == [7, 4, 7, 4]
    assert pool_sizes({"pool_size": 3}) == [3, 3]


@pytest.mark.parametrize(
    ("services", "said"),
    [
        ({"clients": [1]}, "clients must be 2 or more"),
        ({"instances": [8]}, "clients must be 8 or more"),
        ({"instances": [0]}, "instances"),
        ({"relays": [1]}, "give the other workloads a [[services]] of their own"),
        ({"relays": [-1], "workloads": ["place"]}, "relays"),
        ({"loops": ["uvloop"]}, "loops"),
        ({"strategies": ["asyncpq"]}, "asyncpq"),
    ],
)
def test_what_cannot_be_is_refused(services: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        suite(services)


@pytest.mark.parametrize(
    "key", ["max_attempts", "statement_timeout_s", "lock_timeout_s", "connect_timeout_s"]
)
def test_a_limit_that_the_service_would_not_keep_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match=f"leave {key} out"):
        suite(**{key: 3 if key == "max_attempts" else 3.0})  # type: ignore[arg-type]


def test_a_service_is_compared_with_the_reference_behind_http_and_measured_beside_the_process() -> (
    None
):
    in_process = {"strategies": ["asyncpg", "psycopg"], "loops": ["uvloop"], "clients": [4]}
    plan = make_plan(suite(arms=[in_process], ceiling=False))

    found = [(base.name, head.name) for base, head in pairs(plan.arms, "asyncpg")]

    load = "uvloop/charge/matched/4 clients"
    assert found == [
        (f"asyncpg/{load}", f"psycopg/{load}"),
        (
            f"asyncpg/{load}/over HTTP, 1 instance",
            f"psycopg/{load}/over HTTP, 1 instance",
        ),
    ]
    assert len({table_of(arm) for arm in plan.arms}) == 1


def test_a_guest_is_served_as_well() -> None:
    names = [arm.name for arm in make_plan(suite(), frozenset({"core-psycopg"})).arms]

    assert names == ["core-psycopg/uvloop/charge/matched/4 clients/over HTTP, 1 instance"]


MEDIAN = MedianRequest(
    samples=10, total=1_000.0, pool_wait=50.0, transaction=500.0, service=100.0, outside=350.0
)


def test_what_the_service_did_not_see_is_the_client_and_the_wire() -> None:
    times = http_times(MEDIAN, [0.1, 0.3], attempted=2_000, seconds=2.0)

    assert times.client_us == pytest.approx(200.0)
    assert times.wire_us == pytest.approx(150.0)
    assert times.busiest_generator_share == pytest.approx(0.15)
    parts = (
        times.client_us
        + times.wire_us
        + times.service_us
        + times.pool_wait_us
        + times.transaction_us
    )
    assert parts == pytest.approx(times.total_us)


def test_a_client_takes_no_more_than_there_was() -> None:
    times = http_times(MEDIAN, [5.0], attempted=2_000, seconds=2.0)

    assert (times.client_us, times.wire_us) == (350.0, 0.0)


def test_a_client_whose_processor_time_is_unknown_is_part_of_the_wire() -> None:
    times = http_times(MEDIAN, [], attempted=2_000, seconds=2.0)

    assert (times.client_us, times.wire_us) == (0.0, 350.0)
    assert times.busiest_generator_share is None
