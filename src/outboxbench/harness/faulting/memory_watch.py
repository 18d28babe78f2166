"""How much memory processes take, looked at once a second, in series that never grow long.

What counts is resident memory of their own (`RssAnon`). Pages of files, and those that processes
share, are left out: a session of the server is charged with each page of the shared buffers that it
has touched, so that it seems to grow until it has touched all of them, and clients are charged with
the journals that they write to mapped files.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from outboxbench.results.memory import MemorySeries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from outboxbench.results.memory import MemoryOf

EVERY_S: Final = 1.0
MOST_POINTS: Final = 600
"""Of a series; where more come, every second one is dropped, and of those to come as well."""

_OWN_KIB: Final = re.compile(r"^RssAnon:\s+(\d+) kB$", re.MULTILINE)
_STOP_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Watched:
    """Processes whose memory is taken together; where one is replaced, all begin anew.

    Those that they have started are counted too, `with_children`. As these come and go all the time
    nobody is said to begin anew: what counts is how much there is, whoever has it.
    """

    of: MemoryOf
    pids: Callable[[], Sequence[int]]
    with_children: bool = False


class MemoryWatch:
    """Context manager that looks at the memory of processes for as long as it lasts."""

    def __init__(self, watched: Iterable[Watched], every_s: float = EVERY_S) -> None:
        self._series = [_Series(each) for each in watched]
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(_STOP_PATIENCE_S)

    def series(self) -> tuple[MemorySeries, ...]:
        """Return what was seen, once it is over; nothing of processes that never were seen."""
        return tuple(each.document() for each in self._series if each.points)

    def _look(self) -> None:
        began_s = time.monotonic()
        while not self._over.is_set():
            for each in self._series:
                each.look(time.monotonic() - began_s)
            self._over.wait(self._every_s)


@dataclass(slots=True)
class _Series:
    watched: Watched
    points: list[tuple[float, float, int]] = field(default_factory=list)
    _pids: tuple[int, ...] | None = None
    _generation: int = -1
    _looks: int = 0
    _one_of: int = 1

    def look(self, at_s: float) -> None:
        """Add a point, unless one of the processes is gone just now."""
        pids = tuple(self.watched.pids())
        mib = _memory_mib(pids, with_children=self.watched.with_children)
        if mib is None:
            return
        if self._pids is None or (pids != self._pids and not self.watched.with_children):
            self._pids = pids
            self._generation += 1
        if self._looks % self._one_of == 0:
            self.points.append((at_s, mib, self._generation))
        self._looks += 1
        if len(self.points) > MOST_POINTS:
            del self.points[1::2]
            self._one_of *= 2

    def document(self) -> MemorySeries:
        """Return what was seen, to the hundredth."""
        at_s, mib, generations = zip(*self.points, strict=True)
        return MemorySeries(
            of=self.watched.of,
            at_s=[round(each, 2) for each in at_s],
            mib=[round(each, 2) for each in mib],
            generations=generations,
        )


def _memory_mib(pids: Sequence[int], *, with_children: bool) -> float | None:
    """Return what all of them take; None if one of those that are named is not there."""
    own_kib = [_own_kib(pid) for pid in pids]
    total_kib = 0
    for each in own_kib:
        if each is None:
            return None
        total_kib += each
    if with_children:
        total_kib += sum(_own_kib(child) or 0 for pid in pids for child in _children(pid))
    return total_kib / 1024 if pids else None


def _children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _own_kib(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    # A process that has ended and was not waited for has no memory any more.
    own = _OWN_KIB.search(status)
    return None if own is None else int(own[1])
