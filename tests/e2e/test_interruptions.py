"""However a run is ended, nothing goes on running, and what was measured is saved."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from tests.slow import one_is_quick

from outboxbench.results.run_file import read_run

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.e2e.conftest import World


def start_a_long_run(world: World) -> subprocess.Popen[str]:
    return world.start("run", world.suite(), "--out", world.out, "--rounds", "1000")


def blocks(world: World) -> int:
    return len(list(world.out.glob("*/histograms/*.hlog")))


def interrupt_group(run: subprocess.Popen[str]) -> None:
    # What Ctrl-C at a terminal does: every process of the group gets it.
    os.killpg(run.pid, signal.SIGINT)


def terminate(run: subprocess.Popen[str]) -> None:
    run.terminate()


@pytest.mark.parametrize("stop", one_is_quick([interrupt_group, terminate]))
def test_what_was_measured_is_saved_and_marked_incomplete(
    stop: Callable[[subprocess.Popen[str]], None],
    world: World,
    wait_for: Callable[[Callable[[], bool]], bool],
) -> None:
    with start_a_long_run(world) as run:
        assert wait_for(lambda: blocks(world) >= 2)
        stop(run)
        _, errors = run.communicate(timeout=60)

    assert run.returncode == 130
    assert errors.splitlines()[-1] == "outboxbench: interrupted"
    assert "Traceback" not in errors
    assert not world.left()
    (folder,) = world.runs
    document = read_run(folder)
    assert not document.complete
    assert document.verdict == "pass"
    assert sum(len(arm.blocks) for arm in document.arms) >= 1
    assert str(folder) in errors


@pytest.mark.parametrize("stop", one_is_quick([interrupt_group, terminate]))
def test_a_run_that_has_measured_nothing_leaves_nothing(
    stop: Callable[[subprocess.Popen[str]], None],
    world: World,
    wait_for: Callable[[Callable[[], bool]], bool],
) -> None:
    with start_a_long_run(world) as run:
        assert wait_for(lambda: any(world.temporary.glob("outboxbench-*/data/postmaster.pid")))
        stop(run)
        _, errors = run.communicate(timeout=60)

    assert run.returncode == 130
    assert errors == "outboxbench: interrupted\n"
    assert not world.left()
    assert world.runs == []


def test_a_killed_run_leaves_neither_processes_nor_folders(
    world: World, wait_for: Callable[[Callable[[], bool]], bool]
) -> None:
    with start_a_long_run(world) as run:
        assert wait_for(lambda: blocks(world) >= 1)
        run.kill()
        run.communicate(timeout=60)

    assert run.returncode == -signal.SIGKILL
    assert wait_for(lambda: not world.left()), world.left()
