"""How a program of a server is asked to end: kindly at first, and in any case."""

from __future__ import annotations

import signal
import subprocess

# How it is asked, and how long it may take before it is asked less kindly.
STOP_LADDER = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process: for a postmaster a fast shutdown, then harsher ones."""
    for number, patience_s in STOP_LADDER:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
