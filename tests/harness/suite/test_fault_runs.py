"""A run of faults, from the suite to the document, and its histories judged once more."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.conninfo import make_conninfo
from tests.harness.suite.fault_suites import Nobody, lines, suite, verified

from outboxbench.analysis.history.operations import NONE_LOST
from outboxbench.analysis.verification import verify
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faulting import capacity
from outboxbench.harness.suite.fault_plan import plan_faults
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.runner import RunRequest, run_suite
from outboxbench.report.fault_table import fault_report
from outboxbench.report.recovery_table import recovery_report
from outboxbench.results.loss import Loss
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.suite.model import Suite
    from outboxbench.results.model import Run

LAGS_LONG = 6
"""A seed with which a standby is behind for almost 0.2 s."""


@pytest.fixture
def measure(tmp_path: Path, postgres_server: Server) -> Callable[..., Path]:
    """Run a suite on the server of the tests, or of its own without a DSN; return the folder."""
    address = postgres_server.address
    dsn = make_conninfo(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        dbname=address.database,
    )

    def run(chosen: Suite, dsn: str | None = dsn) -> Path:
        folder = RunFolder.create(tmp_path, "tiny", datetime.now(UTC))
        request = RunRequest(
            chosen,
            make_plan(chosen),
            folder,
            "outboxbench run tiny",
            faults=plan_faults(chosen),
            dsn=dsn,
        )
        run_suite(request, Nobody())
        return folder.path

    return run


def changed(run: Run, folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = folder / run.faults[0].history
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(change(lines))))


def test_a_run_of_faults_is_judged_by_its_histories_and_so_it_is_again(
    measure: Callable[..., Path],
) -> None:
    folder = measure(suite())

    run = read_run(folder)
    assert (run.complete, run.verdict) == (True, "pass")
    arms = {arm.fault: arm for arm in run.faults}
    assert arms.keys() == {"reset", "commit-cut-after"}
    for arm in arms.values():
        assert len(arm.availability.injections) == 2
        assert arm.settings["injections"] == 2
        assert arm.capacity_per_s is None
        assert all(each.first_ok_ms is not None for each in arm.availability.injections)
    cut = arms["commit-cut-after"].availability
    outcomes = cut.outcomes_before
    for injection in cut.injections:
        outcomes += injection.outcomes
    # Four commits are cut each time, of which every one had arrived, and is found.
    assert (outcomes.ok_recovered, outcomes.indeterminate) == (8, 0)
    assert all(len(line) <= 80 for line in lines(fault_report(run)))
    code, documents = verified(folder)
    assert code == 0
    assert [each["agrees"] for each in documents] == [True, True]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: lines[:5] + lines[6:], "was changed"),
        (lambda lines: [line.replace(b'"ok"', b'"failed"') for line in lines], "was changed"),
        (lambda lines: lines[:-1], "it was cut"),
    ],
    ids=["a line is missing", "a line is changed", "the end is missing"],
)
def test_a_history_that_was_touched_is_unknown(
    change: Callable[[list[bytes]], list[bytes]],
    reason: str,
    measure: Callable[..., Path],
) -> None:
    folder = measure(suite(faults=["reset"], injections=1))
    changed(read_run(folder), folder, change)

    code, (document,) = verified(folder)

    assert code == 1
    assert (document["verdict"], document["agrees"]) == ("unknown", False)
    assert reason in document["checks"][0]["detail"]


def test_another_whole_history_in_its_place_is_unknown(measure: Callable[..., Path]) -> None:
    folder = measure(suite(injections=1))
    first, second = read_run(folder).faults
    (folder / first.history).write_bytes((folder / second.history).read_bytes())

    code, documents = verified(folder)

    assert code == 1
    told = {document["arm"]: document for document in documents}
    assert (told[first.name]["verdict"], told[first.name]["agrees"]) == ("unknown", False)
    assert "was changed after the run" in told[first.name]["checks"][0]["detail"]
    assert (told[second.name]["verdict"], told[second.name]["agrees"]) == ("pass", True)


def test_a_fault_that_hurts_others_is_refused_on_a_server_that_is_not_ours(
    measure: Callable[..., Path],
) -> None:
    with pytest.raises(CannotRun, match="would hurt everybody on a server"):
        measure(suite(faults=["server-crash"]))


def test_a_server_of_the_blocks_own_may_be_restarted(measure: Callable[..., Path]) -> None:
    chosen = suite(faults=["server-restart"], injections=1, recovery_s=1.0, rates_per_s=[50.0])

    run = read_run(measure(chosen, None))

    assert (run.complete, run.verdict) == (True, "pass")
    (injection,) = run.faults[0].availability.injections
    assert injection.after_server_ms is not None
    assert injection.wedged_clients == 0
    assert f"{injection.after_server_ms:,.0f}" in "".join(lines(recovery_report(run)))


@pytest.mark.slow
def test_clients_may_know_both_hosts_of_a_failover_and_the_run_says_so(
    measure: Callable[..., Path],
) -> None:
    chosen = suite(faults=["failover-sync"], find_by=["hosts"], injections=1, recovery_s=1.0)

    run = read_run(measure(chosen, None))

    (arm,) = run.faults
    assert (arm.verdict, arm.find_by) == ("pass", "hosts")
    (injection,) = arm.availability.injections
    assert injection.first_ok_after_effect_ms is not None
    by_proxy = arm.model_copy(update={"name": "by proxy", "find_by": "proxy"})
    both = run.model_copy(update={"faults": (arm, by_proxy)})
    rows = [line.split() for line in lines(recovery_report(both))]
    by_hosts = [row[1:4] == ["found", "by", "hosts"] for row in rows if row[:1] == ["asyncpg"]]
    assert by_hosts == [False, True]


def test_recovery_is_told_with_the_profiles_side_by_side(measure: Callable[..., Path]) -> None:
    matched = read_run(measure(suite(faults=["reset"], injections=1)))
    assert lines(recovery_report(matched)) == []
    (arm,) = matched.faults
    (injection,) = arm.availability.injections
    never = injection.model_copy(update={"first_ok_after_effect_ms": None, "wedged_clients": 4})
    worse = arm.availability.model_copy(update={"injections": (never,)})
    idiomatic = arm.model_copy(update={"profile": "idiomatic", "availability": worse})

    told = lines(recovery_report(matched.model_copy(update={"faults": (arm, idiomatic)})))

    (row,) = [line.split() for line in told if line.startswith("asyncpg")]
    first_ok_ms = f"{injection.first_ok_after_effect_ms:,.0f}"
    assert row == ["asyncpg", first_ok_ms, "–", "0", "never", "–", "4"]
    assert all(len(line) <= 80 for line in told)


def test_an_arm_that_is_slowed_takes_longer_and_is_told_by_how_much(
    measure: Callable[[Suite], Path],
) -> None:
    folder = measure(
        suite(faults=["reset"], injections=1, busy_wait_us=[0.0, 5_000.0], rates_per_s=[50.0])
    )
    arms = {arm.settings["busy_wait_us"]: arm for arm in read_run(folder).faults}
    services_ms = {}
    for slower_us, arm in arms.items():
        (injection,) = arm.availability.injections
        assert injection.baseline is not None
        assert injection.baseline.service_ms is not None
        assert injection.on_time is not None
        services_ms[slower_us] = injection.baseline.service_ms
    assert services_ms[5_000.0] > max(5, services_ms[0.0])


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        pytest.param(
            "server-crash", {"synchronous_commit": ["off"], "injections": 2}, id="server-crash"
        ),
        # Blocks that fail over are tested in a short time where blocks are.
        pytest.param(
            "failover-async", {"injections": 1}, id="failover-async", marks=pytest.mark.slow
        ),
    ],
)
def test_a_loss_that_was_to_be_expected_fails_the_arm_and_not_the_run(
    fault: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    chosen = suite(faults=[fault], recovery_s=0.6, seed=LAGS_LONG, **changes)
    folder = RunFolder.create(tmp_path, "tiny", datetime.now(UTC))
    request = RunRequest(
        chosen, make_plan(chosen), folder, "outboxbench run tiny", faults=plan_faults(chosen)
    )
    run_suite(request, Nobody())

    run = read_run(folder.path)
    (arm,) = run.faults
    assert (run.verdict, arm.verdict, arm.expected_findings) == ("pass", "fail", (NONE_LOST,))
    assert [check.name for check in arm.checks if check.verdict != "pass"] == [NONE_LOST]
    assert arm.loss.operations == len(arm.loss.op_ids) > 0
    assert (arm.loss.left_behind is None) == (fault == "server-crash")
    text = "\n".join(str(part) for part in fault_report(run))
    assert f"{arm.loss.operations} acknowledged operations are lost" in text
    code, (document,) = verified(folder.path)
    assert (code, document["verdict"], document["agrees"]) == (0, "fail", True)
    assert document["loss"] == arm.loss.model_dump(mode="json")

    lucky = arm.model_copy(update={"loss": Loss(), "verdict": "pass"})
    parts = fault_report(run.model_copy(update={"faults": (lucky,)}))
    assert any("no loss was seen" in str(part) for part in parts)
    for untrue in ({"loss": Loss()}, {"expected_findings": ()}):
        told = run.model_copy(update={"faults": (arm.model_copy(update=untrue),)})
        assert [each.agrees for each in verify(told, folder.path)] == [False]


def test_what_clients_can_do_is_measured_once_for_all_loads(
    measure: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "WARM_UP_S", 0.2)
    monkeypatch.setattr(capacity, "WINDOW_S", 0.5)
    run = read_run(
        measure(
            suite(
                faults=["reset"],
                injections=1,
                rates_per_s=[20.0, 40.0],
                busy_wait_us=[5_000.0],
                measures_capacity=True,
            )
        )
    )

    assert len(run.faults) == 2
    (capacity_per_s,) = {arm.capacity_per_s for arm in run.faults}
    assert capacity_per_s is not None
    # One process that waits 5 ms for each; one that began before the window may end in it.
    assert capacity_per_s <= 202
