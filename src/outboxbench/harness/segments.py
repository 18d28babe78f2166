"""Records of fixed size that outlive the process which writes them, in one file after the other.

They are in memory that is mapped to a file: the kernel keeps what was written there even where the
writer is killed between two instructions. A file is all zeros at first, so that what was never
written can be told from what was.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SEGMENT_RECORDS: Final = 65_536
"""Records in a file; the next one is begun when it is full."""


class Segments:
    """The files that one process writes.

    Args:
        folder: where they are.
        writer: what each is named after, beside its place in their order; nobody else's name.
        kind: how their names end.
        record: what a record is like.
    """

    __slots__ = ("_begun", "_folder", "_full", "_kind", "_memory", "_place", "_size", "_writer")

    def __init__(self, folder: Path, writer: str, kind: str, record: np.dtype[Any]) -> None:
        self._folder = folder
        self._writer = writer
        self._kind = kind
        self._size = record.itemsize
        self._full = SEGMENT_RECORDS * self._size
        self._begun = 0
        self._place = 0
        self._memory = self._begin()

    def next_place(self) -> tuple[mmap.mmap, int]:
        """Return where the next record goes; the place is its own for good."""
        place = self._place
        if place == self._full:
            # Not closed: who has a place there still writes to it.
            self._memory = self._begin()
            place = 0
        self._place = place + self._size
        return self._memory, place

    def close(self) -> None:
        """Give the memory of the last file back; the files stay."""
        self._memory.close()

    def _begin(self) -> mmap.mmap:
        path = self._folder / f"{self._writer}-{self._begun:05}.{self._kind}"
        self._begun += 1
        with path.open("xb+") as file:
            file.truncate(self._full)
            return mmap.mmap(file.fileno(), 0)


def read_segments(
    folder: Path, kind: str, record: np.dtype[Any], writer: str = "*"
) -> Iterator[NDArray[Any]]:
    """Yield what is in the files of a kind, one at a time; shape (records,), zeros included.

    The order is that of the writers' names, and for each the one in which places were given.
    """
    for path in sorted(folder.glob(f"{writer}-*.{kind}")):
        yield np.fromfile(path, dtype=record)
