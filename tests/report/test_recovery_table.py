"""How soon all were back, side by side: no arm takes the place of another."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console, Group
from tests.report import faults

from outboxbench.report.recovery_table import recovery_report
from outboxbench.results.faults import FaultRelaying

if TYPE_CHECKING:
    from outboxbench.results.faults import FaultArm


def rows(*arms: FaultArm) -> list[list[str]]:
    """The words of each arm's row."""
    file = io.StringIO()
    Console(file=file, width=80).print(Group(*recovery_report(faults.run(*arms))))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    return [line.split() for line in lines if line.startswith("asyncpg")]


def arm(outage_ms: int, profile: Any = "matched", **changes: Any) -> FaultArm:
    measured = faults.arm(outage_ms=outage_ms, server_ready_ms=100, profile=profile)
    return measured.model_copy(update={"name": f"{outage_ms} {profile}", **changes})


def relaying(plan: Any) -> FaultRelaying:
    return FaultRelaying(
        relays=2, plan=plan, broker="memory", wake_up="notify", handlers=4, batch=100, lease_s=1.0
    )


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        ({}, {"synchronous_commit": "off"}, ["asyncpg", "asyncpg synchronous_commit off"]),
        (
            {"settings": {"rate_per_s": 200.0}},
            {"settings": {"rate_per_s": 400.0}},
            ["asyncpg 200/s", "asyncpg 400/s"],
        ),
        ({}, {"isolation": "serializable"}, ["asyncpg", "asyncpg serializable"]),
        (
            {"relaying": relaying("lease")},
            {"relaying": relaying("sharded")},
            ["asyncpg lease", "asyncpg sharded"],
        ),
        ({}, {"find_by": "hosts"}, ["asyncpg", "asyncpg found by hosts"]),
        # Nothing tells them apart but their names in the run.
        ({}, {}, ["asyncpg", "asyncpg"]),
    ],
    ids=["commit", "rate", "isolation", "relay plan", "hosts", "nothing that is told"],
)
def test_arms_that_differ_in_one_thing_have_rows_of_their_own(
    first: dict[str, Any], second: dict[str, Any], labels: list[str]
) -> None:
    told = rows(arm(200, **first), arm(800, **second))

    assert [" ".join(row[:-3]) for row in told] == labels
    assert sorted(int(row[-3]) for row in told) == pytest.approx([200, 800], abs=10)


def test_profiles_stand_in_one_row_and_what_else_differs_in_several() -> None:
    told = rows(
        arm(200),
        arm(400, "idiomatic"),
        arm(800, isolation="serializable"),
    )

    assert [len(row) for row in told] == [1 + 6, 2 + 6]
    plain, stricter = told
    assert int(plain[1]) < int(plain[4])
    assert stricter[:2] == ["asyncpg", "serializable"]
    assert stricter[-3:] == ["–", "–", "–"]
