"""What is registered with the janitor is gone when its owner is gone, and nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness import sweep
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.volume import HOW_TO_BE_ALLOWED, may_mount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 30.0

RUN_A_CLUSTER = """
import time
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.binaries import embedded_binaries
from outboxbench.harness.postgres.cluster import Cluster
from outboxbench.harness.signals import raise_on_sigterm

with raise_on_sigterm(), Janitor() as janitor, Cluster(embedded_binaries(), janitor) as cluster:
    print(cluster.postmaster_pid, cluster.data_directory.parent, janitor.pid, flush=True)
    time.sleep(600)
"""
RUN_A_CLUSTER_WITH_A_VOLUME = RUN_A_CLUSTER.replace(
    "    print(",
    """    from outboxbench.harness.postgres.volume import SmallVolume
    SmallVolume(cluster).mount()
    print(""",
)
# Stands for a harness that is killed before it can register the server that it started.
START_A_STRAY = """
import subprocess, sys, time
from pathlib import Path
from outboxbench.harness.janitor import Janitor

with Janitor() as janitor:
    folder = Path(sys.argv[1])
    janitor.watch_folder(folder)
    stray = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], cwd=folder)
    print(stray.pid, flush=True)
    time.sleep(600)
"""
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
IGNORE_INTERRUPTS = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print(flush=True)
time.sleep(600)
"""


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    return sweep.start_ticks(pid) is None


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_and_no_folder_outlives_a_harness_that_is_hit_by(
    number: signal.Signals,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN_A_CLUSTER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as harness:
        assert harness.stdout is not None
        postmaster, folder, janitor = harness.stdout.readline().split()
        assert not is_gone(int(postmaster))
        assert Path(folder).is_dir()
        harness.send_signal(number)
    assert eventually(lambda: is_gone(int(postmaster)))
    assert eventually(lambda: not Path(folder).exists())
    assert eventually(lambda: is_gone(int(janitor)))


@pytest.mark.skipif(not may_mount(), reason=HOW_TO_BE_ALLOWED)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_volume_outlives_a_harness_that_is_hit_by(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN_A_CLUSTER_WITH_A_VOLUME],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as harness:
        assert harness.stdout is not None
        _, folder, _ = harness.stdout.readline().split()
        assert (Path(folder) / "volume").is_mount()
        harness.send_signal(number)
    assert eventually(lambda: not Path(folder).exists())
    assert folder not in Path("/proc/self/mounts").read_text()


def test_a_process_that_was_never_registered_is_found_by_its_working_directory(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", START_A_STRAY, folder], stdout=subprocess.PIPE, text=True
    ) as harness:
        assert harness.stdout is not None
        stray = int(harness.stdout.readline())
        harness.kill()
    try:
        assert eventually(lambda: is_gone(stray))
        assert eventually(lambda: not folder.exists())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(stray, signal.SIGKILL)


def test_leaving_the_janitor_ends_what_is_still_watched(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    folder = tmp_path / "watched"
    (folder / "below").mkdir(parents=True)
    with Janitor() as janitor:
        janitor.watch_process(sleeper.pid, signal.SIGINT)
        janitor.watch_folder(folder)
    assert sleeper.wait() == -signal.SIGINT
    assert not folder.exists()


def test_what_was_forgotten_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    with Janitor() as janitor:
        janitor.watch_process(sleeper.pid, signal.SIGINT)
        janitor.watch_folder(tmp_path)
        janitor.forget_process(sleeper.pid)
        janitor.forget_folder(tmp_path)
    assert sleeper.poll() is None
    assert tmp_path.is_dir()


def test_a_process_that_does_not_listen_is_ended_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "GENTLE_PATIENCE_S", 0.1)
    with subprocess.Popen(
        [sys.executable, "-c", IGNORE_INTERRUPTS], stdout=subprocess.PIPE
    ) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        ticks = sweep.start_ticks(stubborn.pid)
        assert ticks is not None
        sweep.end_processes({stubborn.pid: (ticks, signal.SIGINT)})
        assert stubborn.wait() == -signal.SIGQUIT


def test_another_process_under_a_registered_pid_is_left_alone(
    sleeper: subprocess.Popen[bytes],
) -> None:
    ticks = sweep.start_ticks(sleeper.pid)
    assert ticks is not None
    sweep.end_processes({sleeper.pid: (ticks + 1, signal.SIGINT)})
    assert sleeper.poll() is None


def test_the_janitor_is_deaf_to_the_signals_that_end_the_harness(tmp_path: Path) -> None:
    folder = tmp_path / "watched"
    with Janitor() as janitor:
        assert eventually(lambda: ignores(janitor.pid, signal.SIGTERM))
        assert ignores(janitor.pid, signal.SIGINT)
        janitor.watch_folder(folder)
        folder.mkdir()
    assert not folder.exists()


def ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
    return bool(ignored >> (number - 1) & 1)


def test_a_killed_janitor_is_reported_and_hinders_no_cleaning_up(tmp_path: Path) -> None:
    with Janitor() as janitor:
        os.kill(janitor.pid, signal.SIGKILL)
        assert eventually(lambda: is_gone(janitor.pid))
        with pytest.raises(CannotRun, match="start the run again"):
            janitor.watch_folder(tmp_path)
        janitor.forget_folder(tmp_path)
    assert tmp_path.is_dir()
