"""A run of faults, from the suite to the document, and its histories judged once more."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.conninfo import make_conninfo
from pydantic import ValidationError
from rich.console import Console
from typer.testing import CliRunner

from outboxbench.analysis.history.operations import NONE_LOST, NONE_TWICE
from outboxbench.analysis.verification import verify
from outboxbench.cli.main import app
from outboxbench.harness.errors import BadInput, CannotRun
from outboxbench.harness.suite.fault_plan import plan_faults
from outboxbench.harness.suite.model import Suite
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.resuming import run_to_resume
from outboxbench.harness.suite.runner import RunRequest, run_suite
from outboxbench.report.fault_table import fault_report
from outboxbench.report.recovery_table import recovery_report
from outboxbench.results.folders import RunReadError
from outboxbench.results.loss import Loss
from outboxbench.results.store import RunFolder, read_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from rich.console import RenderableType

    from outboxbench.harness.postgres.server import Server
    from outboxbench.results.model import Run

LAGS_LONG = 6
"""A seed with which a standby is behind for almost 0.2 s."""

QUICK = {
    "strategies": ["asyncpg"],
    "faults": ["reset", "commit-cut-after"],
    "injections": 2,
    "clean_s": 0.3,
    "hold_s": 0.1,
    "recovery_s": 0.3,
    "clients": 4,
}


ARMS = {
    f"{fault}/asyncpg/uvloop/matched/safe retries/charge/200 per s"
    for fault in ("reset", "commit-cut-after")
}


class _Killed(Exception):
    """Stands for a harness that is gone."""


class Nobody:
    """Hears how a run comes along, and takes no notice."""

    def preparing(self, what: str) -> None: ...

    def adding(self, blocks: int) -> None: ...

    def block_started(self, arm: str, round: int) -> None: ...

    def block_finished(self, arm: str, block: Any) -> None: ...


def suite(**changes: Any) -> Suite:
    seed = changes.pop("seed", 1)
    return Suite.model_validate(
        {
            "name": "tiny",
            "description": "tiny",
            "seed": seed,
            "dataset": {"accounts": 100, "orders": 10},
            "faults": [{**QUICK, **changes}],
        }
    )


class GoneAtTheSecond(Nobody):
    """Ends the run when its second arm begins, and keeps what lay in its folder by then."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._begun = 0
        self.left = ""

    def block_started(self, arm: str, round: int) -> None:
        self._begun += 1
        if self._begun == 2:
            self.left = self._folder.run_file.read_text(encoding="utf-8")
            raise _Killed


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


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The folder of a run that was killed when its first arm was measured."""
    chosen = suite(injections=1)
    folder = RunFolder.create(tmp_path, chosen.name, datetime.now(UTC))
    observer = GoneAtTheSecond(folder)
    plan, faults = make_plan(chosen), plan_faults(chosen)
    with pytest.raises(_Killed):
        run_suite(RunRequest(chosen, plan, folder, "outboxbench run tiny", faults=faults), observer)
    folder.run_file.write_text(observer.left, encoding="utf-8")
    return folder.path


def resumed(folder: Path, chosen: Suite) -> Run:
    faults = plan_faults(chosen)
    request = RunRequest(
        chosen,
        make_plan(chosen),
        RunFolder.reopen(folder),
        "outboxbench run tiny",
        faults=faults,
        earlier=run_to_resume(folder, chosen, faults),
    )
    return run_suite(request, Nobody())


def changed(run: Run, folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = folder / run.faults[0].history
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(change(lines))))


def lines(parts: Iterable[RenderableType]) -> list[str]:
    told = StringIO()
    console = Console(width=80, file=told)
    for part in parts:
        console.print(part)
    return [line.rstrip() for line in told.getvalue().splitlines()]


def verified(folder: Path) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(app, ["verify", "--json", str(folder)])
    return result.exit_code, json.loads(result.stdout)


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


def test_a_run_that_was_killed_goes_on_with_the_arms_it_had_not_come_to(begun: Path) -> None:
    (measured,) = read_run(begun).faults

    run = resumed(begun, suite(injections=1))

    assert run.complete
    assert len(run.resumed_at) == 1
    assert run.faults[0] == measured
    assert {arm.name for arm in run.faults} == ARMS
    code, documents = verified(begun)
    assert (code, len(documents)) == (0, 2)
    with pytest.raises(BadInput, match="is complete"):
        run_to_resume(begun, suite(injections=1), plan_faults(suite(injections=1)))


def test_only_the_run_that_had_begun_can_go_on(begun: Path) -> None:
    other = suite(injections=3)
    with pytest.raises(BadInput, match="with other settings"):
        run_to_resume(begun, other, plan_faults(other))
    seeded = suite(injections=1).model_copy(update={"seed": 7})
    with pytest.raises(BadInput, match="not of tiny with 7"):
        run_to_resume(begun, seeded, plan_faults(seeded))
    history = begun / read_run(begun).faults[0].history
    history.write_bytes(history.read_bytes() + b"more")
    same = suite(injections=1)
    with pytest.raises(RunReadError, match="was changed"):
        run_to_resume(begun, same, plan_faults(same))


def test_a_run_that_compares_speeds_cannot_be_resumed(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", "quick", "--resume", str(tmp_path)])
    assert isinstance(result.exception, BadInput)
    assert "compares speeds within its rounds" in str(result.exception)


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


def test_a_failover_whose_loss_could_not_be_counted_is_refused() -> None:
    with pytest.raises(ValidationError, match="cannot be had with failover-sync"):
        suite(faults=["reset", "failover-sync"], synchronous_commit=["off"])


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
