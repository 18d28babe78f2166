"""A reference is reported on, compared with and not judged again, from the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest
from tests.report import faults

from outboxbench.cli import main
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.report.conftest import MadeUpRun, RunBuilder

STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STRATEGIES = {"asyncpg": (900.0, 1000.0), "psycopg": (700.0, 800.0)}


class Said(NamedTuple):
    code: int
    output: str
    errors: str


class Call(Protocol):
    def __call__(self, *arguments: str | Path) -> Said: ...


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Call:
    """The command line in this process, in a folder where nothing is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def said(*arguments: str | Path) -> Said:
        monkeypatch.setattr("sys.argv", ["outboxbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, *capsys.readouterr())

    return said


@pytest.fixture(scope="module")
def made_up(build_run: RunBuilder) -> MadeUpRun:
    return build_run(strategies=STRATEGIES)


def kept(made_up: MadeUpRun, parent: Path, *, hours_later: int = 0) -> Path:
    started_at = STARTED_AT + timedelta(hours=hours_later)
    folder = RunFolder.create(parent, "quick", started_at)
    folder.write_run(made_up.record(folder).model_copy(update={"started_at": started_at}))
    return folder.path


def test_a_reference_is_reported_with_the_charts_that_it_has_figures_for(
    call: Call, made_up: MadeUpRun, tmp_path: Path
) -> None:
    made = call("reference", kept(made_up, tmp_path / "runs"))

    assert (made.code, made.errors) == (0, "")
    assert made.output.startswith("results/reference/quick takes 0.")
    assert "the latencies by round and interval" in made.output

    reference = tmp_path / "results" / "reference" / "quick"
    done = call("report", reference)

    assert (done.code, done.errors) == (0, "")
    charts = {path.stem for path in (reference / "charts").iterdir()}
    assert charts == {"throughput", "ratios", "percentile-spectrum", "cost"}
    page = (reference / "report.html").read_text()
    assert "each round and interval were left out when this run was reduced" in page
    told = call("report", reference, "--format", "md")
    assert told == call("report", next((tmp_path / "runs").iterdir()), "--format", "md")


def test_a_new_run_is_compared_with_a_reference_as_with_its_run(
    call: Call, made_up: MadeUpRun, tmp_path: Path
) -> None:
    base = kept(made_up, tmp_path / "runs")
    head = kept(made_up, tmp_path / "runs", hours_later=1)
    assert call("reference", base, "--to", tmp_path / "kept").code == 0

    done = call("compare", tmp_path / "kept" / "quick", head)

    assert (done.code, done.errors) == (0, "")
    assert done == call("compare", base, head)
    same = call("compare", tmp_path / "kept" / "quick", base)
    assert same.code == 2
    assert "they are the same run" in same.errors


def test_a_reference_of_faults_has_no_history_to_draw_or_to_judge(
    call: Call, tmp_path: Path
) -> None:
    folder = RunFolder.create(tmp_path / "runs", "faults", STARTED_AT)
    arms = [faults.record(folder, faults.arm(name)) for name in ("asyncpg", "psycopg")]
    folder.write_run(faults.run(*arms))
    history = folder.path / arms[0].history

    made = call("reference", folder.path)

    assert made.code == 0
    assert "the histories" in made.output
    reference = tmp_path / "results" / "reference" / "faults"
    assert not (reference / "history").exists()
    done = call("report", reference)
    assert (done.code, done.errors) == (0, "")
    charts = {path.stem for path in (reference / "charts").iterdir()}
    assert "fault-outcomes" in charts
    assert "fault-timeline-reset" not in charts
    page = (reference / "report.html").read_text()
    assert "what became of each operation was left out when this run was reduced" in page

    judged = call("verify", reference)
    assert judged.code == 2
    assert "is a reference, which its histories were left out of" in judged.errors

    history.write_bytes(history.read_bytes()[:-1])
    refused = call("reference", folder.path)
    assert refused.code == 2
    assert "was changed after the run" in refused.errors


def test_what_is_no_run_is_refused_in_a_sentence(call: Call, tmp_path: Path) -> None:
    done = call("reference", tmp_path)

    assert (done.code, done.output, done.errors.count("\n")) == (2, "", 1)
    assert "name a folder that a run has left" in done.errors
