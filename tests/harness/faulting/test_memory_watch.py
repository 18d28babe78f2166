"""How much memory processes take is seen while it changes, and never told at too great a length."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING

from outboxbench.harness.faulting import memory_watch
from outboxbench.harness.faulting.memory_watch import MemoryWatch, Watched
from outboxbench.harness.faults.probes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from outboxbench.results.memory import MemorySeries

HOLDS_40_MIB = "held = b'x' * (40 << 20); print(flush=True); input()"
HAS_A_CHILD = f"""
import subprocess, sys
with subprocess.Popen([sys.executable, "-c", {HOLDS_40_MIB!r}], stdin=subprocess.PIPE) as child:
    input()
    child.communicate(b"\\n", timeout=30)
"""
EVERY_S = 0.01


@contextmanager
def started(program: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has said a line, and ends when it is told to."""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.communicate(b"\n", timeout=30)


def watch_for(looks: int, *watched: Watched) -> tuple[MemorySeries, ...]:
    """Watch until the first of them was looked at so often."""
    seen = 0

    def pids() -> tuple[int, ...]:
        nonlocal seen
        seen += 1
        return tuple(watched[0].pids())

    first = Watched(watched[0].of, pids, with_children=watched[0].with_children)
    with MemoryWatch([first, *watched[1:]], EVERY_S) as watch:
        assert wait_until(lambda: seen > looks)
    return watch.series()


def test_memory_of_processes_is_told_together_and_their_childrens_only_if_asked_for() -> None:
    with started(HAS_A_CHILD) as parent:
        alone, together = watch_for(
            3,
            Watched("clients", lambda: (parent.pid,)),
            Watched("server", lambda: (parent.pid, os.getpid()), with_children=True),
        )
    assert (alone.of, together.of) == ("clients", "server")
    assert max(alone.mib) < 40
    assert min(together.mib) > 40 + min(alone.mib)
    assert list(alone.at_s) == sorted(alone.at_s)
    assert set(alone.generations) == {0}


def test_who_takes_the_place_of_another_begins_anew_and_meanwhile_nothing_is_told() -> None:
    with started(HOLDS_40_MIB) as first, started(HOLDS_40_MIB) as second:
        looks = 0

        def pids() -> tuple[int, ...]:
            nonlocal looks
            looks += 1
            nobody = 2**22 + 1
            return (first.pid if looks < 4 else nobody if looks < 8 else second.pid,)

        (series,) = watch_for(12, Watched("clients", pids))
    assert series.generations[:4] == (0, 0, 0, 1)


def test_of_those_whose_children_come_and_go_nobody_begins_anew() -> None:
    with started(HOLDS_40_MIB) as first, started(HOLDS_40_MIB) as second:
        turn = cycle([(first.pid,), (second.pid,)])
        (series,) = watch_for(6, Watched("server", lambda: next(turn), with_children=True))
    assert set(series.generations) == {0}


def test_of_nobody_there_is_no_series() -> None:
    assert watch_for(3, Watched("clients", lambda: ())) == ()


def test_a_long_series_is_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_watch, "MOST_POINTS", 10)
    (series,) = watch_for(100, Watched("harness", lambda: (os.getpid(),)))
    assert 5 <= len(series.at_s) <= 10
    # What is left spans all of the time.
    assert series.at_s[0] < series.at_s[-1] / 4
    assert series.at_s[-1] > 50 * EVERY_S
