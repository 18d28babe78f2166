"""What happened to each message, as fixed-size records in a file: written by one process, read by
another. Times are those of the monotonic clock, in ns, which all processes of a machine share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COMMIT: Final = np.dtype([("op_id", "V16"), ("committed_ns", "<i8")])
"""An operation, and when its unit of work knew that it was committed."""

DELIVERY: Final = np.dtype(
    [
        ("op_id", "V16"),
        ("ordinal", "<i2"),
        ("aggregate_id", "V16"),
        ("version", "<i4"),
        ("handed_ns", "<i8"),
        ("delivered_ns", "<i8"),
    ]
)
"""A message, when it was handed to its receivers, and when the last of them had confirmed it."""


def write_records(path: Path, kind: np.dtype[Any], records: list[tuple[Any, ...]]) -> None:
    """Write records of one kind."""
    np.array(records, dtype=kind).tofile(path)


def read_records(path: Path, kind: np.dtype[Any]) -> NDArray[Any]:
    """Read records of one kind; shape (records,)."""
    return np.fromfile(path, dtype=kind)
