"""What must be gone when the harness is gone, in whatever way it ends, SIGKILL included.

A child process holds the other end of a pipe. When the harness ends, the kernel closes our end,
and the child ends the processes and removes the folders that are still registered.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from outboxbench.harness import sweep
from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from pathlib import Path
    from signal import Signals
    from types import TracebackType
    from typing import Self


class Janitor:
    """Context manager around the cleaning child; leaving it cleans whatever is still watched."""

    def __enter__(self) -> Self:
        # A session of its own keeps Ctrl-C at the terminal away from it. The pipe's write end is
        # not inheritable, so no other child can hold it open past the harness's end.
        read_end, self._write_end = os.pipe()
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", sweep.__file__],
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd=os.sep,
            )
        except BaseException:
            os.close(self._write_end)
            raise
        finally:
            os.close(read_end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._write_end)
        self._child.wait()

    @property
    def pid(self) -> int:
        """The pid of the cleaning child."""
        return self._child.pid

    def watch_process(self, pid: int, gentle_signal: Signals) -> None:
        """Have the process ended with the harness: gently, then by SIGQUIT, then by SIGKILL.

        Raises:
            CannotRun: the janitor was killed.
        """
        ticks = sweep.start_ticks(pid)
        if ticks is not None:
            self._tell("watch_process", pid, ticks, int(gentle_signal))

    def forget_process(self, pid: int) -> None:
        """The process has ended, or is someone else's care now."""
        with contextlib.suppress(CannotRun):
            self._tell("forget_process", pid)

    def watch_folder(self, path: Path) -> None:
        """Have the folder removed with the harness; it need not exist yet.

        Raises:
            CannotRun: the janitor was killed.
        """
        self._tell("watch_folder", str(path.absolute()))

    def forget_folder(self, path: Path) -> None:
        """The folder is gone, or shall stay."""
        with contextlib.suppress(CannotRun):
            self._tell("forget_folder", str(path.absolute()))

    def _tell(self, *message: str | int) -> None:
        try:
            os.write(self._write_end, json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise CannotRun(
                "the process that cleans up after outboxbench was killed: start the run again"
            ) from error
