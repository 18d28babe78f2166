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


@pytest.mark.parametrize(
    ("cores", "workers", "expected"),
    [
        ({0, 1}, 1, Pinning(server_cores=(0,), client_cores=(1,))),
        ({0, 1}, 4, Pinning(server_cores=(0,), client_cores=(1,))),
        ({2, 3, 5, 7}, 1, Pinning(server_cores=(2, 3, 5), client_cores=(7,))),
        ({0, 1, 2, 3}, 4, Pinning(server_cores=(0, 1), client_cores=(2, 3))),
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


def test_a_process_that_has_ended_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()

    pin(ended.pid, [0])
