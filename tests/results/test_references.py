"""A run is reduced to a reference, which says the same with fewer files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from outboxbench.results import reducing
from outboxbench.results.folders import RunReadError, RunWriteError
from outboxbench.results.histograms import Interval, empty, to_counts
from outboxbench.results.reducing import make_reference, size_bytes
from outboxbench.results.reference import PACKED_RUN_FILE, REFERENCE_FILE
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder, check_histograms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from outboxbench.results.model import Arm, Run

STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ROUNDS_US = ({"ok": 100, "failed": 7_000}, {"ok": 200, "ok_recovered": 900})
"""A latency of each outcome, by round."""


@pytest.fixture
def measured(tmp_path: Path, run: Run) -> Path:
    """The folder of a run with two rounds, a chart and the log of its server."""
    folder = RunFolder.create(tmp_path / "runs", "quick", STARTED_AT)
    (folder.charts_folder / "throughput.svg").write_text("<svg/>")
    (folder.path / "server.log").write_text("started")
    folder.write_run(run.model_copy(update={"arms": (recorded(folder, run.arms[0]),)}))
    return folder.path


def recorded(folder: RunFolder, arm: Arm) -> Arm:
    blocks = []
    for number, latencies_us in enumerate(ROUNDS_US):
        start_s = STARTED_AT.timestamp() + 60 * number
        intervals = [interval(tag, start_s, value_us) for tag, value_us in latencies_us.items()]
        log = folder.write_histograms(f"{arm.name}-{number}", intervals, start_s=start_s)
        named = {"round": number, "histogram": log.path, "histogram_sha256": log.sha256}
        blocks.append(arm.blocks[0].model_copy(update=named))
    return arm.model_copy(update={"blocks": tuple(blocks)})


def interval(tag: str, start_s: float, value_us: int) -> Interval:
    histogram = empty()
    histogram.record_value(value_us)
    return Interval(tag, start_s, 1.0, histogram)


def files_of(folder: Path) -> Mapping[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_reference_says_of_the_run_what_the_run_says(measured: Path, tmp_path: Path) -> None:
    reference = make_reference(measured, tmp_path / "reference")

    assert reference == tmp_path / "reference" / "quick"
    assert read_run(reference) == read_run(measured)
    assert read_run(reference / PACKED_RUN_FILE) == read_run(measured)
    check_histograms(reference, read_run(reference))


def test_its_latencies_are_those_of_all_rounds_in_one_log_an_arm(
    measured: Path, tmp_path: Path
) -> None:
    reference = make_reference(measured, tmp_path / "reference")

    [arm] = read_run(reference).arms
    folder = RunFolder.at(reference)
    assert to_counts(folder.good_latencies(arm)) == {100: 1, 200: 1, 900: 1}
    whole = RunFolder.at(measured).good_latencies(arm)
    assert to_counts(folder.good_latencies(arm)) == to_counts(whole)
    assert {each.tag for each in folder.recorded(arm)} == {"ok", "ok_recovered", "failed"}
    [ok] = [each for each in folder.recorded(arm) if each.tag == "ok"]
    assert (ok.start_s, ok.length_s) == (STARTED_AT.timestamp(), 61.0)
    assert len(list(folder.histograms_folder.iterdir())) == 1


def test_what_was_left_out_is_told_and_not_read(measured: Path, tmp_path: Path) -> None:
    reference = make_reference(measured, tmp_path / "reference")

    folder = RunFolder.at(reference)
    assert folder.reference is not None
    told = " ".join(folder.reference.left_out)
    assert all(word in told for word in ("round and interval", "charts", "log of the server"))
    assert "histories" not in told
    with pytest.raises(RunReadError, match="each round and interval were left out"):
        folder.intervals(read_run(reference).arms[0].blocks[0])
    assert set(files_of(reference)) == {
        PACKED_RUN_FILE,
        REFERENCE_FILE,
        "histograms/asyncpg-uvloop.hlog",
    }


def test_the_same_run_leaves_the_same_bytes_and_nothing_of_what_was_there(
    measured: Path, tmp_path: Path
) -> None:
    reference = make_reference(measured, tmp_path / "reference")
    first = files_of(reference)
    (reference / "report.html").write_text("drawn of it")

    assert make_reference(measured / "run.json", tmp_path / "reference") == reference

    assert files_of(reference) == first
    assert [path.name for path in reference.parent.iterdir()] == ["quick"]
    assert size_bytes(reference) == sum(map(len, first.values()))


def test_what_cannot_become_a_reference_is_refused(
    measured: Path, tmp_path: Path, run: Run
) -> None:
    parent = tmp_path / "reference"
    interrupted = RunFolder.create(tmp_path / "runs", "quick", STARTED_AT)
    interrupted.write_run(run.model_copy(update={"complete": False}))

    with pytest.raises(RunReadError, match="was interrupted: a reference takes a run that is"):
        make_reference(interrupted.path, parent)
    with pytest.raises(RunReadError, match=r"cannot read .*run\.json"):
        make_reference(tmp_path, parent)
    assert not parent.exists()

    reference = make_reference(measured, parent)
    with pytest.raises(RunReadError, match="quick is a reference already"):
        make_reference(reference, parent)

    log = next((measured / "histograms").iterdir())
    log.write_text(log.read_text() + "# a comment\n")
    before = files_of(reference)
    with pytest.raises(RunReadError, match="was changed after the run"):
        make_reference(measured, parent)
    assert files_of(reference) == before
    assert [path.name for path in parent.iterdir()] == ["quick"]


def test_a_folder_that_is_no_reference_is_never_replaced(measured: Path, tmp_path: Path) -> None:
    (tmp_path / "quick").mkdir()
    (tmp_path / "quick" / "mine").write_text("mine")

    with pytest.raises(RunWriteError, match=r"quick is no reference: name another .* --to"):
        make_reference(measured, tmp_path)
    assert (tmp_path / "quick" / "mine").read_text() == "mine"


def test_what_is_too_large_to_be_committed_is_refused_and_leaves_the_earlier_one(
    measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = make_reference(measured, tmp_path / "reference")
    before = files_of(reference)
    monkeypatch.setattr(reducing, "MOST_BYTES", 1000)

    with pytest.raises(RunWriteError, match=r"would take 0\.0 MB, and 0\.001 MB are the most"):
        make_reference(measured, tmp_path / "reference")

    assert files_of(reference) == before
    assert [path.name for path in reference.parent.iterdir()] == ["quick"]


def test_a_reference_that_was_changed_is_refused(measured: Path, tmp_path: Path) -> None:
    reference = make_reference(measured, tmp_path / "reference")
    run = read_run(reference)
    log = next((reference / "histograms").iterdir())

    log.write_text(log.read_text().replace("Tag=failed", "Tag=ok"))
    with pytest.raises(RunReadError, match="was changed after the run"):
        check_histograms(reference, run)
    log.unlink()
    with pytest.raises(RunReadError, match="cannot read"):
        check_histograms(reference, run)

    note = reference / REFERENCE_FILE
    document = json.loads(note.read_text())
    note.write_text(json.dumps(document | {"run_sha256": "0" * 64}))
    with pytest.raises(RunReadError, match="was made of another run"):
        check_histograms(reference, run)
    note.write_text("{}")
    with pytest.raises(RunReadError, match=r"reference\.json is damaged, or of another version"):
        check_histograms(reference, run)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_packed_document_that_was_cut_is_damaged(
    measured: Path, tmp_path: Path, kept: float
) -> None:
    packed = make_reference(measured, tmp_path / "reference") / PACKED_RUN_FILE
    content = packed.read_bytes()
    packed.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(RunReadError, match=r"run\.json\.gz is damaged, or no run document"):
        read_run(packed.parent)
