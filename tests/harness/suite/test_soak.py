"""Faults in turns, on one server, with relays, while memory is watched."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from tests.harness.suite.fault_suites import lines, run_on_its_own_server, suite, verified

from outboxbench.analysis.verification import verify
from outboxbench.harness.faults.drawn import in_turns
from outboxbench.harness.postgres.volume import HOW_TO_BE_ALLOWED, may_mount
from outboxbench.harness.suite.fault_plan import plan_faults
from outboxbench.harness.suite.model import Suite, load_suite, override
from outboxbench.report.terminal import run_report
from outboxbench.results.history import AttemptLine, read_history
from outboxbench.results.memory import MemorySeries
from outboxbench.results.run_file import read_run

if TYPE_CHECKING:
    from pathlib import Path

DRAWN: dict[str, Any] = {
    "strategies": ["asyncpg"],
    "drawn": True,
    "faults": ["reset", "backend-kill-all", "stall", "relay-kill", "server-restart"],
    "relays": 2,
    "rates_per_s": [30.0],
    "clients": 4,
    "clean_s": 0.4,
    "hold_s": 0.3,
    "recovery_s": 1.3,
}


def soak(window_s: float = 9.5, **changes: Any) -> Suite:
    return Suite.model_validate(
        {
            "name": "tiny-soak",
            "description": "tiny",
            "window_s": window_s,
            "dataset": {"accounts": 100, "orders": 10},
            "faults": [{**DRAWN, **changes}],
        }
    )


def test_faults_that_come_in_turns_cost_nothing_and_memory_is_watched(tmp_path: Path) -> None:
    chosen = soak()
    folder = run_on_its_own_server(chosen, tmp_path)

    run = read_run(folder)
    (arm,) = run.faults
    assert (run.verdict, arm.verdict) == ("pass", "pass"), [
        check for check in arm.checks if check.verdict != "pass"
    ]
    assert arm.fault == "drawn"
    (planned,) = plan_faults(chosen)
    kinds = islice(in_turns(planned.kind, f"{chosen.seed}/{planned.chances}"), 5)
    met = [injection.fault for injection in arm.availability.injections]
    # A restart on a slow machine may leave no time for the last ones.
    assert len(met) >= 3
    assert met == [kind.name for kind in kinds][: len(met)]
    memory = {series.of: series for series in arm.memory}
    assert memory.keys() == {"clients", "relays", "harness", "server"}
    assert all(len(series.mib) >= 5 and min(series.mib) > 0 for series in arm.memory)
    # Relays are replaced where one is killed, the harness never is.
    assert max(memory["relays"].generations) == ("relay-kill" in met)
    assert set(memory["harness"].generations) == {0}
    assert not any("memory" in check.name for check in arm.checks)
    told = lines([run_report(run)])
    assert all(len(line) <= 80 for line in told)
    assert f"drawn, {len(met)} times" in " ".join(told)
    assert "too short to tell" in " ".join(told)
    assert {line.split()[0] for line in told if line.split()[1:2] == ["1"]} == set(met)
    code, (document,) = verified(folder)
    assert (code, document["agrees"]) == (0, True)

    # What was watched for long enough is judged, by whoever looks at it.
    leaking = MemorySeries(
        of="server",
        at_s=[float(at) for at in range(600)],
        mib=[100.0 + at / 10 for at in range(600)],
        generations=[0] * 600,
    )
    leaked = run.model_copy(update={"faults": (arm.model_copy(update={"memory": (leaking,)}),)})
    (verification,) = verify(leaked, folder)
    assert (verification.verdict, verification.agrees) == ("fail", False)
    told = lines([run_report(leaked)])
    assert any("server 140 MiB +2" in line for line in told)


def test_as_many_injections_are_planned_as_the_window_may_have_room_for() -> None:
    (arm,) = plan_faults(soak(window_s=41.0))
    assert arm.name.startswith("drawn/asyncpg/")
    # Were all of them of a moment, they would fill it.
    quickest_s = arm.rhythm.clean_s * 0.75 + arm.rhythm.recovery_s
    assert arm.rhythm.injections == int(41.0 / quickest_s)
    assert arm.rhythm.has_room((arm.rhythm.injections - 2) * quickest_s)
    (longer,) = plan_faults(override(soak(), window_s=82.0))
    assert longer.rhythm.injections == int(82.0 / quickest_s)
    (shortest,) = plan_faults(soak(window_s=0.1))
    assert shortest.rhythm.injections == 1


def test_nothing_is_begun_that_would_not_end_within_the_window() -> None:
    (arm,) = plan_faults(soak(window_s=6.0))
    assert arm.rhythm.has_room(3.9)
    assert not arm.rhythm.has_room(4.1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"faults": ["reset", "failover-sync"]}, "give it [[faults]] of its own"),
        ({"injections": 3}, "leave injections out"),
        (
            {"faults": ["serialisation-storm"], "drawn": False},
            "has no hold on clients at read committed",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        soak(**changes)
    assert reason in str(caught.value)


def test_the_soak_that_comes_along_meets_every_sort_of_fault_on_one_server() -> None:
    (arm,) = plan_faults(load_suite("soak"))
    assert {kind.reach for kind in arm.kind.kinds} == {"connections", "server", "clients", "relays"}
    assert arm.kind.reach == "server"
    (guest,) = plan_faults(load_suite("soak"), frozenset({"psycopg"}))
    assert guest.strategy.name == "psycopg"


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        pytest.param(
            {"faults": ["serialisation-storm"], "isolations": ["serializable"]},
            "serialisation",
            id="serialisation-storm",
        ),
        pytest.param(
            {"faults": ["disk-full"]},
            "connection",
            id="disk-full",
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(not may_mount(), reason=HOW_TO_BE_ALLOWED),
            ],
        ),
        pytest.param(
            {"faults": ["slow-close"]}, "connection", id="slow-close", marks=pytest.mark.slow
        ),
    ],
)
def test_clients_meet_what_the_fault_is_about_and_nothing_is_lost(
    changes: dict[str, Any], failure: str, tmp_path: Path
) -> None:
    folder = run_on_its_own_server(
        suite(injections=1, hold_s=0.5, recovery_s=1.0, **changes), tmp_path
    )
    run = read_run(folder)
    (arm,) = run.faults
    assert run.verdict == "pass", [check for check in arm.checks if check.verdict != "pass"]
    assert arm.isolation == changes.get("isolations", ["read committed"])[0]
    attempts = [
        line for line in read_history(folder / arm.history) if isinstance(line, AttemptLine)
    ]
    assert failure in {attempt.failure for attempt in attempts}
