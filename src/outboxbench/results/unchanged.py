"""Reads the files beside a run document, if they are those that the run has written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from outboxbench.results.folders import RunReadError
from outboxbench.results.histograms import HistogramLogError, read_log
from outboxbench.results.history import HistoryDamaged, read_history, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from outboxbench.results.histograms import Interval
    from outboxbench.results.history import HistoryLine


def unchanged_log(path: Path, sha256: str | None) -> tuple[Interval, ...]:
    """Read a histogram log.

    Raises RunReadError.
    """
    try:
        if sha256 != sha256_of_bytes(path.read_bytes()):
            raise _changed(path)
        return read_log(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    except HistogramLogError as error:
        raise RunReadError(str(error)) from error


def unchanged_history(path: Path, sha256: str) -> Iterator[HistoryLine]:
    """Yield the lines of a history.

    Raises RunReadError after the last line that can be read, if that is not the end, or if the
    history is whole and yet another than the run has written.
    """
    try:
        yield from read_history(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    except HistoryDamaged as error:
        raise RunReadError(f"{error}: its figures cannot be used") from error
    # Last, since a damaged one tells better what became of it.
    refuse_changed_history(path, sha256)


def refuse_changed_history(path: Path, sha256: str) -> None:
    """Make sure that a history is the file that the run has written.

    Raises RunReadError.
    """
    try:
        is_the_same = sha256_of(path) == sha256
    except OSError as error:
        raise _unreadable(path, error) from error
    if not is_the_same:
        raise _changed(path)


def sha256_of_bytes(content: bytes) -> str:
    """Return the checksum, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _unreadable(path: Path, error: OSError) -> RunReadError:
    return RunReadError(f"cannot read {path} ({error.strerror})")


def _changed(path: Path) -> RunReadError:
    return RunReadError(f"{path} was changed after the run: its figures cannot be used")
