"""Server and clients are kept on different cores, where there are two or more."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from outboxbench.harness.pinning import pin, plan_pinning
from outboxbench.results.machine import Pinning

PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
FERTILE = """
import subprocess, sys
print(flush=True)
while input() != "end":
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"])
    print(child.pid, flush=True)
child.kill()
child.wait()
"""


@pytest.mark.parametrize(
    ("cores", "workers", "expected"),
    [
        ({0, 1}, 1, Pinning(server_cores=(0,), client_cores=(1,))),
        ({0, 1}, 4, Pinning(server_cores=(0,), client_cores=(1,))),
        ({2, 3, 5, 7}, 1, Pinning(server_cores=(2, 3, 5), client_cores=(7,))),
        ({0, 1, 2, 3}, 4, Pinning(server_cores=(0, 1), client_cores=(2, 3))),
        ({0, 1, 2, 3}, 2, Pinning(server_cores=(0, 1), client_cores=(2, 3))),
        ({0, 1, 2}, 2, Pinning(server_cores=(0, 1), client_cores=(2,))),
        ({4}, 1, Pinning()),
    ],
)
def test_clients_get_a_core_for_each_process_and_never_more_than_half(
    cores: set[int], workers: int, expected: Pinning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)

    assert plan_pinning("auto", workers=workers, owns_server=True) == expected


def test_a_server_that_is_not_ours_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})

    assert plan_pinning("auto", workers=1, owns_server=False) == Pinning(client_cores=(1,))


def test_nobody_is_pinned_who_did_not_ask_for_it() -> None:
    assert plan_pinning("none", workers=1, owns_server=True) == Pinning()


def test_a_process_is_pinned_with_its_children() -> None:
    cores = sorted(os.sched_getaffinity(0))[:1]
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE) as parent:
        try:
            while not (children := psutil.Process(parent.pid).children()):
                pass
            pin(parent.pid, cores)

            pinned = [os.sched_getaffinity(pid) for pid in (parent.pid, children[0].pid)]
        finally:
            parent.communicate(b"\n")

    assert pinned == [set(cores), set(cores)]


@pytest.mark.parametrize("is_born_too_late_to_be_listed", [False, True])
def test_a_child_that_is_born_while_its_parent_is_pinned_is_pinned_as_well(
    is_born_too_late_to_be_listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_affinity = os.sched_setaffinity
    cores = {max(os.sched_getaffinity(0))}
    with subprocess.Popen(
        [sys.executable, "-c", FERTILE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin
        assert parent.stdout
        parent.stdout.readline()
        children: list[int] = []

        def bear() -> None:
            assert parent.stdin
            assert parent.stdout
            parent.stdin.write("another\n")
            parent.stdin.flush()
            children.append(int(parent.stdout.readline()))

        def while_pinning(pid: int, mask: list[int]) -> None:
            is_the_moment = pid == parent.pid and not children
            if is_the_moment and not is_born_too_late_to_be_listed:
                bear()
            set_affinity(pid, mask)
            if is_the_moment and is_born_too_late_to_be_listed:
                bear()

        monkeypatch.setattr(os, "sched_setaffinity", while_pinning)
        try:
            pin(parent.pid, sorted(cores))
            pinned = [os.sched_getaffinity(pid) for pid in children]
        finally:
            parent.communicate("end\n")

    assert pinned == [cores]


def test_a_side_that_is_left_free_stays_where_it_may_run() -> None:
    before = os.sched_getaffinity(0)

    pin(os.getpid(), None)

    assert os.sched_getaffinity(0) == before


def test_a_process_that_has_ended_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()

    pin(ended.pid, [0])
