"""Folders for results: made new before measuring, and written so that no file is half there."""

from __future__ import annotations

import os
from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

# What a short run leaves behind, give or take: a disk without this much fails before measuring.
_PROBE_BYTES = 1_000_000


class RunFolderError(Exception):
    """Base of what can be wrong with a folder of results; the message says what to do."""


class RunWriteError(RunFolderError):
    """The folder cannot be made or written: no permission, a full disk, a file in its place."""


class RunReadError(RunFolderError):
    """There is nothing to read, or it is damaged, or of another version."""


def make_folder(parent: Path, started_at: datetime, name: str) -> Path:
    """Make `<UTC timestamp>-<name>` under `parent`, with -2, -3… where that is taken.

    Raises RunWriteError.
    """
    stem = f"{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{name}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        return _make_new_folder(parent, stem)
    except OSError as error:
        raise RunWriteError(
            f"cannot make a run folder in {parent} ({error.strerror}):"
            " choose a folder that can be written with --out"
        ) from error


def probe(folder: Path) -> None:
    """Write and remove a file, so that a full disk is found before anything is measured.

    Raises OSError.
    """
    path = folder / ".probe"
    try:
        _write_durably(path, bytes(_PROBE_BYTES))
    finally:
        path.unlink(missing_ok=True)


def no_space_in(parent: Path, error: OSError) -> RunWriteError:
    """Say that a new folder under `parent` cannot be written to."""
    return RunWriteError(
        f"cannot write to {parent} ({error.strerror}):"
        " free some space, or choose another folder with --out"
    )


def write_whole(path: Path, text: str) -> None:
    """Write a file, replacing an earlier one in one step.

    Raises RunWriteError; the earlier file is then untouched.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        try:
            _write_durably(draft, text.encode())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> RunWriteError:
    """Say that a file cannot be written."""
    return RunWriteError(
        f"cannot write {path} ({error.strerror}): free some space and repeat the run"
    )


def _make_new_folder(parent: Path, stem: str) -> Path:
    path = parent / stem
    number = 1
    while True:
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
            path = parent / f"{stem}-{number}"
        else:
            return path


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
