"""Reduces a run to a reference, which is small enough to be committed beside the sources."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from outboxbench.results.folders import RunReadError, RunWriteError, cannot_write
from outboxbench.results.histograms import Interval, merge
from outboxbench.results.reference import (
    PACKED_RUN_FILE,
    REFERENCE_FILE,
    KeptLog,
    Reference,
    read_reference,
)
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder, safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hdrh.histogram import HdrHistogram

    from outboxbench.results.model import Arm, Run

MOST_BYTES: Final = 3_000_000
"""Of a reference: whoever clones the project has all of them."""

_BYTES_PER_MB: Final = 1e6
_LEFT_OUT: Final = {
    "histograms": "the latencies by round and interval; those of all rounds together are here",
    "history": "the histories, which say what became of each operation under a fault",
    "charts": "the charts, which `outboxbench report` draws",
    "report.html": "the report, which `outboxbench report` writes",
    "server.log": "the log of the server",
}


def make_reference(path: Path, parent: Path) -> Path:
    """Reduce a run to the folder `parent/<suite>`, in place of an earlier reference.

    The histories and histograms have to be as the run has written them: its verdict and its
    figures stand on them, and nobody can look them up afterwards.

    Args:
        path: the run, as `read_run` takes it.
        parent: where references are.

    Returns:
        The folder of the reference.

    Raises:
        RunReadError: the run is missing, incomplete, not as it was written, or a reference already.
        RunWriteError: the folder cannot be written, is no reference, or would be too large.
    """
    run = read_run(path)
    folder = RunFolder.at(path)
    if folder.reference is not None:
        raise RunReadError(f"{path} is a reference already: name the folder that the run has left")
    if not run.complete:
        raise RunReadError(f"{path} was interrupted: a reference takes a run that is complete")
    for arm in run.faults:
        folder.check_history(arm)
    target = parent / safe_name(run.suite)
    if target.exists() and read_reference(target) is None:
        raise RunWriteError(f"{target} is no reference: name another folder with --to")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: an earlier reference stays until the new one is complete.
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=parent) as drafts:
            draft = Path(drafts) / target.name
            _write(draft, run, folder, _document_of(path))
            _refuse_if_large(draft, path)
            if target.exists():
                shutil.rmtree(target)
            draft.rename(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    return target


def size_bytes(folder: Path) -> int:
    """Return what all files of a folder take together."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _document_of(path: Path) -> bytes:
    return (RunFolder(path).run_file if path.is_dir() else path).read_bytes()


def _write(draft: Path, run: Run, folder: RunFolder, document: bytes) -> None:
    assert run.sha256 is not None
    reduced = RunFolder(draft)
    reduced.histograms_folder.mkdir(parents=True)
    logs = tuple(log for arm in run.arms for log in _kept_log(arm, folder, reduced))
    if not logs:
        reduced.histograms_folder.rmdir()
    reference = Reference(
        run_sha256=run.sha256,
        left_out=tuple(words for name, words in _LEFT_OUT.items() if _is_there(folder, name)),
        histograms=logs,
    )
    (draft / REFERENCE_FILE).write_text(reference.model_dump_json(indent=2) + "\n", "utf-8")
    # Without a date, so that the same run leaves the same bytes.
    packed = gzip.compress(document, compresslevel=9, mtime=0)
    (draft / PACKED_RUN_FILE).write_bytes(packed)


def _is_there(folder: RunFolder, name: str) -> bool:
    """Whether a file is there, or a folder with something in it."""
    path = folder.path / name
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def _kept_log(arm: Arm, folder: RunFolder, reduced: RunFolder) -> Iterator[KeptLog]:
    intervals = _merged(folder.recorded(arm))
    if intervals:
        start_s = min(each.start_s for each in intervals)
        log = reduced.write_histograms(arm.name, intervals, start_s=start_s)
        yield KeptLog(arm=arm.name, path=log.path, sha256=log.sha256)


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    """One histogram for each tag, from the begin of its first interval to the end of its last."""
    by_tag: dict[str, list[Interval]] = {}
    for each in intervals:
        by_tag.setdefault(each.tag, []).append(each)
    return [_one(tag, of_tag) for tag, of_tag in by_tag.items()]


def _one(tag: str, intervals: list[Interval]) -> Interval:
    histograms: Iterable[HdrHistogram] = (each.histogram for each in intervals)
    start_s = min(each.start_s for each in intervals)
    end_s = max(each.start_s + each.length_s for each in intervals)
    return Interval(tag, start_s, end_s - start_s, merge(histograms))


def _refuse_if_large(draft: Path, path: Path) -> None:
    size = size_bytes(draft)
    if size > MOST_BYTES:
        raise RunWriteError(
            f"a reference of {path} would take {size / _BYTES_PER_MB:.1f} MB, and"
            f" {MOST_BYTES / _BYTES_PER_MB:g} MB are the most: run the suite with fewer --rounds,"
            " or with --only"
        )
