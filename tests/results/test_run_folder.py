from __future__ import annotations

import hashlib
import json
import resource
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from outboxbench.results.folders import RunReadError, RunWriteError
from outboxbench.results.histograms import Interval, empty, to_counts
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder, check_histograms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from outboxbench.results.model import Run

STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "quick", STARTED_AT)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow past 4 kB: what a full disk does, without filling one.

    Around as little as possible: pytest's own output may go to a file that is larger.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_is_named_by_the_time_in_utc_and_the_suite(tmp_path: Path) -> None:
    local = STARTED_AT.astimezone(timezone(timedelta(hours=2)))

    folder = RunFolder.create(tmp_path / "results" / "runs", "quick", local)

    assert folder.path == tmp_path / "results" / "runs" / "20260301T120000Z-quick"
    assert sorted(path.name for path in folder.path.iterdir()) == ["charts", "histograms"]


def test_a_run_never_enters_an_older_folder(tmp_path: Path) -> None:
    folders = [RunFolder.create(tmp_path, "quick", STARTED_AT) for _ in range(3)]

    assert [folder.path.name for folder in folders] == [
        "20260301T120000Z-quick",
        "20260301T120000Z-quick-2",
        "20260301T120000Z-quick-3",
    ]


def test_a_suites_name_cannot_lead_out_of_the_results(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "../../my suite", STARTED_AT)

    assert folder.path == tmp_path / "20260301T120000Z-my-suite"


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "runs"
    in_the_way.write_text("mine")

    with pytest.raises(RunWriteError, match=r"cannot make a run folder in .*runs .*--out"):
        RunFolder.create(in_the_way, "quick", STARTED_AT)
    assert in_the_way.read_text() == "mine"


def test_a_full_disk_is_found_before_measuring_and_nothing_is_left(tmp_path: Path) -> None:
    with (
        full_disk(),
        pytest.raises(RunWriteError, match=r"cannot write to .* free some space"),
    ):
        RunFolder.create(tmp_path, "quick", STARTED_AT)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_read_as_it_was_written(folder: RunFolder, run: Run) -> None:
    written = folder.write_run(run)

    assert written.model_copy(update={"sha256": None}) == run
    assert read_run(folder.path) == written
    assert read_run(folder.run_file) == written


def test_a_later_document_replaces_the_earlier_one_of_the_run(folder: RunFolder, run: Run) -> None:
    folder.write_run(run.model_copy(update={"complete": False}))
    folder.write_run(run)

    assert read_run(folder.path).complete
    assert [path.name for path in folder.path.iterdir() if path.is_file()] == ["run.json"]


def test_a_disk_that_fills_up_leaves_the_earlier_document_whole(
    folder: RunFolder, run: Run
) -> None:
    written = folder.write_run(run)

    with full_disk(), pytest.raises(RunWriteError, match=r"cannot write .*run\.json"):
        folder.write_run(run.model_copy(update={"command": "x" * 10_000}))

    assert read_run(folder.path) == written
    assert [path.name for path in folder.path.iterdir() if path.is_file()] == ["run.json"]


def test_the_good_latencies_of_an_arm_are_those_of_all_its_blocks(
    folder: RunFolder, run: Run
) -> None:
    blocks = []
    for number, value_us in enumerate((100, 200)):
        good, recovered, failed = empty(), empty(), empty()
        good.record_value(value_us)
        recovered.record_value(900)
        failed.record_value(5_000)
        start_s = STARTED_AT.timestamp()
        log = folder.write_histograms(
            f"asyncpg uvloop/{number}",
            [
                Interval("ok", start_s, 0.5, good),
                Interval("ok_recovered", start_s + 0.5, 0.5, recovered),
                Interval("failed", start_s, 0.5, failed),
            ],
            start_s=start_s,
        )
        assert log.path == f"histograms/asyncpg-uvloop-{number}.hlog"
        named = {"histogram": log.path, "histogram_sha256": log.sha256}
        blocks.append(run.arms[0].blocks[0].model_copy(update=named))
    arm = run.arms[0].model_copy(update={"blocks": tuple(blocks)})

    assert to_counts(folder.good_latencies(arm)) == {100: 1, 200: 1, 900: 2}


@pytest.mark.parametrize(
    ("name", "message"),
    [("histograms/none.hlog", "cannot read"), ("../../secret.hlog", "outside its folder")],
)
def test_a_histogram_that_is_not_in_the_folder_is_an_error(
    folder: RunFolder, run: Run, name: str, message: str
) -> None:
    block = run.arms[0].blocks[0].model_copy(update={"histogram": name})
    arm = run.arms[0].model_copy(update={"blocks": (block,)})

    with pytest.raises(RunReadError, match=message):
        folder.good_latencies(arm)


def test_a_histogram_is_never_overwritten(folder: RunFolder) -> None:
    intervals = [Interval("ok", 1.0, 1.0, empty())]
    folder.write_histograms("asyncpg-0", intervals, start_s=1.0)

    with pytest.raises(RunWriteError, match=r"asyncpg-0\.hlog"):
        folder.write_histograms("asyncpg-0", intervals, start_s=1.0)


def test_a_histogram_that_was_changed_after_the_run_is_refused(folder: RunFolder, run: Run) -> None:
    log = folder.write_histograms("asyncpg-0", [Interval("ok", 1.0, 1.0, empty())], start_s=1.0)
    named = {"histogram": log.path, "histogram_sha256": log.sha256}
    arm = run.arms[0]
    block = arm.blocks[0].model_copy(update=named)
    whole = run.model_copy(update={"arms": (arm.model_copy(update={"blocks": (block,)}),)})
    check_histograms(folder.path, whole)
    path = folder.path / log.path
    path.write_text(path.read_text().replace("1.000", "2.000"))

    with pytest.raises(RunReadError, match="was changed after the run"):
        check_histograms(folder.path, whole)


def test_a_document_that_was_changed_after_the_run_is_refused(folder: RunFolder, run: Run) -> None:
    folder.write_run(run)
    text = folder.run_file.read_text()
    assert '"ok_per_s": 30.0' in text
    folder.run_file.write_text(text.replace('"ok_per_s": 30.0', '"ok_per_s": 31.0'))

    with pytest.raises(RunReadError, match=r"run\.json was changed after the run"):
        read_run(folder.path)


def test_a_document_from_before_a_field_came_to_be_still_loads_and_is_still_watched(
    folder: RunFolder, run: Run
) -> None:
    document = json.loads(run.model_dump_json())
    for arm in document["arms"]:
        del arm["source_lines"]
    unsigned = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    document["sha256"] = hashlib.sha256(unsigned.encode()).hexdigest()
    folder.run_file.write_text(json.dumps(document, indent=2))

    assert read_run(folder.path).arms == run.arms

    document["arms"][0]["source_lines"] = 1
    folder.run_file.write_text(json.dumps(document, indent=2))
    with pytest.raises(RunReadError, match=r"run\.json was changed after the run"):
        read_run(folder.path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_document_is_an_error(folder: RunFolder, run: Run, kept: float) -> None:
    folder.write_run(run)
    content = folder.run_file.read_bytes()
    # The newline at the end is no loss.
    folder.run_file.write_bytes(content[: int((len(content) - 1) * kept)])

    with pytest.raises(RunReadError, match=r"run\.json is damaged"):
        read_run(folder.path)


def test_a_document_without_its_checksum_is_refused(folder: RunFolder, run: Run) -> None:
    folder.write_run(run)
    document = json.loads(folder.run_file.read_text())
    del document["sha256"]
    folder.run_file.write_text(json.dumps(document))

    with pytest.raises(RunReadError, match=r"run\.json was changed after the run"):
        read_run(folder.path)


def test_a_folder_without_a_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunReadError, match=r"cannot read .*run\.json .* name a folder"):
        read_run(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"schema_version": 2}'])
def test_a_damaged_document_is_an_error(folder: RunFolder, content: bytes) -> None:
    folder.run_file.write_bytes(content)

    with pytest.raises(RunReadError, match=r"run\.json is damaged"):
        read_run(folder.path)


def test_the_damaged_value_is_named(folder: RunFolder, run: Run) -> None:
    document = json.loads(run.model_dump_json())
    document["arms"][0]["blocks"][0]["seconds"] = -1
    folder.run_file.write_text(json.dumps(document))

    with pytest.raises(RunReadError, match=r"arms\.0\.blocks\.0\.seconds"):
        read_run(folder.path)


@pytest.mark.parametrize("content", ["[]", "{}", '{"schema_version": 99}'])
def test_another_schema_version_is_named(folder: RunFolder, content: str) -> None:
    folder.run_file.write_text(content)

    with pytest.raises(RunReadError, match=r"schema version .* this outboxbench reads 2"):
        read_run(folder.path)


def test_a_run_that_never_began_leaves_no_folder(folder: RunFolder) -> None:
    folder.remove_if_empty()

    assert not folder.path.exists()


def test_a_folder_with_results_is_never_removed(folder: RunFolder, run: Run) -> None:
    written = folder.write_run(run)
    folder.remove_if_empty()

    assert read_run(folder.path) == written
