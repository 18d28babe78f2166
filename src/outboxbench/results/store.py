"""The run folder: made new before measuring, and written so that a run is never half there."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from outboxbench.results.folders import (
    RunReadError,
    cannot_write,
    make_folder,
    no_space_in,
    probe,
    write_whole,
)
from outboxbench.results.histograms import (
    GOOD_TAGS,
    HistogramLogError,
    merge,
    read_log,
    write_log,
)
from outboxbench.results.model import SCHEMA_VERSION, Arm, Run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from hdrh.histogram import HdrHistogram

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder: `run.json`, `histograms/`, `charts/`."""

    path: Path

    @classmethod
    def create(cls, parent: Path, suite: str, started_at: datetime) -> RunFolder:
        """Make `<UTC timestamp>-<suite>` under `parent`, with -2, -3… where that is taken.

        Writes and removes a probe file, so that a full disk is found before anything is measured.
        Raises RunWriteError.
        """
        folder = cls(make_folder(parent, started_at, _safe_name(suite)))
        try:
            folder.histograms_folder.mkdir()
            folder.charts_folder.mkdir()
            probe(folder.path)
        except OSError as error:
            folder.remove_if_empty()
            raise no_space_in(parent, error) from error
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
    def charts_folder(self) -> Path:
        """Where the charts are."""
        return self.path / "charts"

    def write_run(self, run: Run) -> None:
        """Write `run.json`, replacing an earlier one of the same run in one step.

        Raises RunWriteError; the earlier file is then untouched.
        """
        write_whole(self.run_file, run.model_dump_json(indent=2) + "\n")

    def write_histograms(
        self, name: str, histograms: Mapping[str, HdrHistogram], *, start_s: float, end_s: float
    ) -> str:
        """Write one log of a window in seconds since the epoch; returns its path in the folder.

        Raises RunWriteError, also when the log exists.
        """
        path = self.histograms_folder / f"{_safe_name(name)}.hlog"
        try:
            write_log(path, histograms, start_s=start_s, end_s=end_s)
        except OSError as error:
            raise cannot_write(path, error) from error
        return path.relative_to(self.path).as_posix()

    def good_latencies(self, arm: Arm) -> HdrHistogram:
        """The latencies of an arm's good operations, all its blocks merged.

        Empty when its blocks have no histogram. Raises RunReadError.
        """
        logs = [self._read_histograms(block.histogram) for block in arm.blocks if block.histogram]
        return merge(log[tag] for log in logs for tag in GOOD_TAGS if tag in log)

    def remove_if_empty(self) -> None:
        """Remove the folder unless a file was left in it: a run that never began leaves nothing."""
        with contextlib.suppress(OSError):
            for folder in (self.histograms_folder, self.charts_folder, self.path):
                folder.rmdir()

    def _read_histograms(self, name: str) -> dict[str, HdrHistogram]:
        path = (self.path / name).resolve()
        if not path.is_relative_to(self.path.resolve()):
            raise RunReadError(f"{self.run_file} names a histogram outside its folder: {name}")
        try:
            return read_log(path)
        except OSError as error:
            raise RunReadError(f"cannot read {path} ({error.strerror})") from error
        except HistogramLogError as error:
            raise RunReadError(str(error)) from error


def read_run(path: Path) -> Run:
    """Read the run of a folder, or of its `run.json`.

    Raises RunReadError when it is missing, damaged, or of another schema version.
    """
    run_file = path / RUN_FILE if path.is_dir() else path
    try:
        text = run_file.read_text(encoding="utf-8")
        document = json.loads(text)
    except OSError as error:
        raise RunReadError(
            f"cannot read {run_file} ({error.strerror}): name a folder that a run has left"
        ) from error
    except ValueError as error:
        raise RunReadError(f"{run_file} is damaged, or no run document: {error}") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise RunReadError(
            f"{run_file} has schema version {version}, this outboxbench reads {SCHEMA_VERSION}:"
            " use the version that wrote it"
        )
    try:
        return Run.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RunReadError(f"{run_file} is damaged: {place}: {first['msg']}") from error


def _safe_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip(".-") or "unnamed"
