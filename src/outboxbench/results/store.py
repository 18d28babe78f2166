"""The run folder: made new before measuring, and written so that a run is never half there."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from outboxbench.results.folders import (
    RunReadError,
    cannot_write,
    make_folder,
    no_space_in,
    probe,
)
from outboxbench.results.histograms import (
    GOOD_TAGS,
    merge,
    write_log,
)
from outboxbench.results.reference import Reference, read_reference
from outboxbench.results.run_file import RUN_FILE, write_run
from outboxbench.results.unchanged import (
    refuse_changed_history,
    sha256_of_bytes,
    unchanged_history,
    unchanged_log,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from hdrh.histogram import HdrHistogram

    from outboxbench.results.block import Block
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.histograms import Interval
    from outboxbench.results.history import HistoryLine
    from outboxbench.results.model import Arm, Run


class WrittenLog(NamedTuple):
    """A histogram log: its path in the run folder, and its checksum."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder: `run.json`, `histograms/`, `charts/`.

    `reference` says what is missing from it, where the run was reduced to a reference.
    """

    path: Path
    reference: Reference | None = None

    @classmethod
    def create(cls, parent: Path, suite: str, started_at: datetime) -> RunFolder:
        """Make `<UTC timestamp>-<suite>` under `parent`, with -2, -3… where that is taken.

        Writes and removes a probe file, so that a full disk is found before anything is measured.
        Raises RunWriteError.
        """
        folder = cls(make_folder(parent, started_at, safe_name(suite)))
        try:
            folder.histograms_folder.mkdir()
            folder.charts_folder.mkdir()
            probe(folder.path)
        except OSError as error:
            folder.remove_if_empty()
            raise no_space_in(parent, error) from error
        return folder

    @classmethod
    def at(cls, path: Path) -> RunFolder:
        """Return the folder of a run or of a reference; `path` is as `read_run` takes it.

        Raises RunReadError.
        """
        folder = path if path.is_dir() else path.parent
        return cls(folder, read_reference(folder))

    @classmethod
    def reopen(cls, path: Path) -> RunFolder:
        """Return the folder of a run that is to go on; `path` is as `read_run` takes it.

        Raises RunWriteError where nothing can be written into it.
        """
        folder = cls(path if path.is_dir() else path.parent)
        try:
            folder.histograms_folder.mkdir(exist_ok=True)
            folder.charts_folder.mkdir(exist_ok=True)
            probe(folder.path)
        except OSError as error:
            raise no_space_in(folder.path, error) from error
        return folder

    @property
    def run_file(self) -> Path:
        """The run document."""
        return self.path / RUN_FILE

    @property
    def histograms_folder(self) -> Path:
        """Where the HdrHistogram logs are."""
        return self.path / "histograms"

    @property
    def histories_folder(self) -> Path:
        """Where the histories are."""
        return self.path / "history"

    @property
    def charts_folder(self) -> Path:
        """Where the charts are."""
        return self.path / "charts"

    def write_run(self, run: Run) -> Run:
        """Write `run.json`, replacing an earlier one of the same run in one step.

        Returns the run with its checksum. Raises RunWriteError; the earlier file is then untouched.
        """
        return write_run(self.run_file, run)

    def write_histograms(
        self, name: str, intervals: Sequence[Interval], *, start_s: float
    ) -> WrittenLog:
        """Write one log of a window that opened at `start_s`, in seconds since the epoch.


        Raises RunWriteError, also when the log exists.
        """
        path = self.histograms_folder / f"{safe_name(name)}.hlog"
        try:
            write_log(path, intervals, start_s=start_s)
        except OSError as error:
            raise cannot_write(path, error) from error
        return WrittenLog(
            path.relative_to(self.path).as_posix(), sha256_of_bytes(path.read_bytes())
        )

    def new_history(self, name: str) -> Path:
        """Return where the history of an arm goes; its folder is there.

        Raises RunWriteError.
        """
        path = self.histories_folder / f"{safe_name(name)}.jsonl.gz"
        try:
            self.histories_folder.mkdir(exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        return path

    def good_latencies(self, arm: Arm) -> HdrHistogram:
        """The latencies of an arm's good operations, all its blocks merged.

        Empty when its blocks have no histogram. Raises RunReadError.
        """
        return self.durations(arm, GOOD_TAGS)

    def durations(self, arm: Arm, tags: Container[str]) -> HdrHistogram:
        """All that an arm's logs hold under one of these tags, merged.

        Empty when there is nothing. Raises RunReadError.
        """
        return merge(each.histogram for each in self.recorded(arm) if each.tag in tags)

    def recorded(self, arm: Arm) -> Iterator[Interval]:
        """All that an arm's logs hold, block by block; of a reference what was merged of them.

        Raises RunReadError.
        """
        if self.reference is None:
            for block in arm.blocks:
                yield from self.intervals(block)
        elif log := self.reference.log_of(arm.name):
            yield from unchanged_log(self._inside(log.path, "histogram"), log.sha256)

    def intervals(self, block: Block) -> tuple[Interval, ...]:
        """What the block's log holds, interval by interval; nothing where it has none.

        Raises RunReadError.
        """
        if block.histogram is None:
            return ()
        self._refuse_a_reference("the latencies of each round and interval were")
        return unchanged_log(self._inside(block.histogram, "histogram"), block.histogram_sha256)

    def history(self, arm: FaultArm) -> Iterator[HistoryLine]:
        """Return the lines of an arm's history.

        Raises RunReadError after the last line that can be read, if that is not the end, or if the
        history is whole and yet another than the run has written.
        """
        self._refuse_a_reference("what became of each operation was")
        return unchanged_history(self._inside(arm.history, "history"), arm.history_sha256)

    def check_history(self, arm: FaultArm) -> None:
        """Make sure that an arm's history is the file that the run has written.

        Raises RunReadError.
        """
        self._refuse_a_reference("what became of each operation was")
        refuse_changed_history(self._inside(arm.history, "history"), arm.history_sha256)

    def remove_if_empty(self) -> None:
        """Remove the folder unless a file was left in it: a run that never began leaves nothing."""
        with contextlib.suppress(OSError):
            for folder in (self.histograms_folder, self.charts_folder, self.path):
                folder.rmdir()

    def _refuse_a_reference(self, what: str) -> None:
        if self.reference is not None:
            raise RunReadError(
                f"{what} left out when this run was reduced to a reference; see its own folder"
            )

    def _inside(self, name: str, what: str) -> Path:
        path = (self.path / name).resolve()
        if not path.is_relative_to(self.path.resolve()):
            raise RunReadError(f"{self.run_file} names a {what} outside its folder: {name}")
        return path


def check_histograms(path: Path, run: Run) -> None:
    """Make sure that the histograms of a run are there, and as they were written.

    `path` is as `read_run` takes it. Raises RunReadError.
    """
    folder = RunFolder.at(path)
    if folder.reference is not None and folder.reference.run_sha256 != run.sha256:
        raise RunReadError(f"{path} was made of another run: make the reference anew")
    for arm in run.arms:
        for _ in folder.recorded(arm):
            pass


def safe_name(name: str) -> str:
    """Return a name as a file or folder may have it, without a way out of its parent."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip(".-") or "unnamed"
