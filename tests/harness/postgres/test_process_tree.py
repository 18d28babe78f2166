"""Processes that are killed together are waited for as long as they run, and no longer."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from outboxbench.harness.postgres import process_tree
from outboxbench.harness.postgres.process_tree import kill_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

# Starts a tree of two, and never asks what has become of it.
CARELESS_PARENT = """
import subprocess, sys
shell = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE)
print(shell.pid, shell.stdout.readline().decode().strip(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def tree() -> Iterator[tuple[int, int]]:
    parent = subprocess.Popen(
        [sys.executable, "-c", CARELESS_PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    root, child = map(int, parent.stdout.readline().split())
    yield root, child
    for pid in (root, child):
        with suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
    parent.communicate(timeout=30)


def test_a_kill_waits_for_ends_and_not_until_somebody_asks_for_them(tree: tuple[int, int]) -> None:
    began_s = time.monotonic()
    assert set(kill_tree(tree[0])) == set(tree)
    took_s = time.monotonic() - began_s

    # It has ended, and its parent still does not know.
    assert psutil.Process(tree[0]).status() == psutil.STATUS_ZOMBIE
    assert took_s < process_tree._PATIENCE_S / 2
