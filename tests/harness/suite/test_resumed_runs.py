"""A run of faults that was killed goes on where it was, if it is the same run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.harness.suite.fault_suites import Nobody, suite, verified
from typer.testing import CliRunner

from outboxbench.cli.main import command_line
from outboxbench.harness.errors import BadInput
from outboxbench.harness.faulting import capacity
from outboxbench.harness.suite.fault_plan import plan_faults
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.resuming import run_to_resume
from outboxbench.harness.suite.runner import RunRequest, run_suite
from outboxbench.results.folders import RunReadError
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.harness.suite.model import Suite
    from outboxbench.results.model import Run

ARMS = {
    f"{fault}/asyncpg/uvloop/matched/safe retries/charge/200 per s"
    for fault in ("reset", "commit-cut-after")
}


class _Killed(Exception):
    """Stands for a harness that is gone."""


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


def begin(chosen: Suite, tmp_path: Path) -> Path:
    """Return the folder of a run that was killed when its first arm was measured."""
    folder = RunFolder.create(tmp_path, chosen.name, datetime.now(UTC))
    observer = GoneAtTheSecond(folder)
    plan, faults = make_plan(chosen), plan_faults(chosen)
    with pytest.raises(_Killed):
        run_suite(RunRequest(chosen, plan, folder, "outboxbench run tiny", faults=faults), observer)
    folder.run_file.write_text(observer.left, encoding="utf-8")
    return folder.path


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    return begin(suite(injections=1), tmp_path)


def resumed(folder: Path, chosen: Suite, observer: Nobody | None = None) -> Run:
    faults = plan_faults(chosen)
    request = RunRequest(
        chosen,
        make_plan(chosen),
        RunFolder.reopen(folder),
        "outboxbench run tiny",
        faults=faults,
        earlier=run_to_resume(folder, chosen, faults),
    )
    return run_suite(request, observer or Nobody())


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
    result = CliRunner().invoke(command_line(), ["run", "quick", "--resume", str(tmp_path)])
    assert isinstance(result.exception, BadInput)
    assert "compares speeds within its rounds" in str(result.exception)


class HearsOfCapacities(Nobody):
    """Remembers which capacities were measured."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def preparing(self, what: str) -> None:
        if "capacity" in what:
            self.found.append(what)


@pytest.mark.slow
def test_what_clients_can_do_is_measured_once_and_kept_where_a_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "WARM_UP_S", 0.2)
    monkeypatch.setattr(capacity, "WINDOW_S", 0.5)
    chosen = suite(injections=1, measures_capacity=True)
    begun = begin(chosen, tmp_path)
    (measured,) = read_run(begun).faults
    assert measured.capacity_per_s is not None
    other = suite(injections=1)
    with pytest.raises(BadInput, match="with other settings"):
        run_to_resume(begun, other, plan_faults(other))

    observer = HearsOfCapacities()
    run = resumed(begun, chosen, observer)

    assert observer.found == []
    assert [arm.capacity_per_s for arm in run.faults] == [measured.capacity_per_s] * 2
