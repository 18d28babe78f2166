"""The program behind the janitor: ends processes and removes folders once the harness is gone.

It runs as a script of its own and imports the standard library alone, so that it starts in
milliseconds and needs nothing of the environment that may just have broken.
"""

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

GENTLE_PATIENCE_S = 10.0
HARSH_PATIENCE_S = 5.0
POLL_S = 0.02

MNT_DETACH = 2

# From field 3 (state) on, /proc/<pid>/stat is free of the blanks a command's name may hold.
STATE, START_TICKS = 0, 19

# pid -> (start of the process in clock ticks, signal that asks it to end)
Processes = dict[int, tuple[int, int]]


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if it runs no longer.

    Together with the pid this names a process for ever, though pids are used again. Where
    there is no /proc it is 0 for every running process.
    """
    if not Path("/proc/self/stat").exists():
        return 0 if _exists(pid) else None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[STATE] in "ZX" else int(fields[START_TICKS])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_processes(processes: Processes) -> None:
    """End the processes: gently, then by SIGQUIT, then by SIGKILL."""
    for harsh, patience_s in (
        (None, GENTLE_PATIENCE_S),
        (signal.SIGQUIT, HARSH_PATIENCE_S),
        (signal.SIGKILL, HARSH_PATIENCE_S),
    ):
        for pid, (_, gentle) in _running(processes).items():
            try:
                os.kill(pid, harsh or gentle)
            except (ProcessLookupError, PermissionError):
                continue
        if _wait_until(lambda: not _running(processes), patience_s):
            return


def thaw_processes(processes: Iterable[int]) -> None:
    """Let go on whoever was frozen: he hears nothing else."""
    for pid in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGCONT)


def _running(processes: Processes) -> Processes:
    return {pid: known for pid, known in processes.items() if start_ticks(pid) == known[0]}


def _wait_until(condition: Callable[[], bool], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def processes_inside(folders: Iterable[str]) -> Processes:
    """Return the processes that work in one of the folders.

    A harness killed between the start of a server and its registration leaves a server that
    nobody told us of; its working directory gives it away.
    """
    inside: Processes = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            directory = (entry / "cwd").readlink()
        except OSError:
            continue
        ticks = start_ticks(int(entry.name))
        if ticks is not None and any(directory.is_relative_to(folder) for folder in folders):
            inside[int(entry.name)] = (ticks, signal.SIGQUIT)
    return inside


def unmount_inside(folders: Iterable[str]) -> None:
    """Unmount what is mounted in the folders, or on them; who uses it still keeps it until then."""
    try:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return
    roots = [Path(folder).resolve() for folder in folders]
    # What was mounted later may lie in what was mounted before.
    for mount in reversed(mounts):
        # Blanks and the like are written as octal numbers.
        place = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), mount.split()[1])
        if any(Path(place).is_relative_to(root) for root in roots):
            ctypes.CDLL(None).umount2(os.fsencode(place), MNT_DETACH)


def remove_folders(folders: Iterable[str]) -> None:
    """Remove the folders, again while a dying process still writes into them."""
    folders = list(folders)

    def removed() -> bool:
        unmount_inside(folders)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        return not any(Path(folder).exists() for folder in folders)

    _wait_until(removed, HARSH_PATIENCE_S)


def main() -> None:
    """Read what to watch and what to forget until the harness is gone, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    processes: Processes = {}
    folders: set[str] = set()
    for line in sys.stdin.buffer:
        match json.loads(line):
            case ["watch_process", int(pid), int(ticks), int(gentle)]:
                processes[pid] = (ticks, gentle)
            case ["forget_process", int(pid)]:
                processes.pop(pid, None)
            case ["watch_folder", str(path)]:
                folders.add(path)
            case ["forget_folder", str(path)]:
                folders.discard(path)
    thaw_processes([*processes, *processes_inside(folders)])
    end_processes(processes)
    end_processes(processes_inside(folders))
    remove_folders(folders)


if __name__ == "__main__":
    main()
