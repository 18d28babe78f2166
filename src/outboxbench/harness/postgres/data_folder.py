"""The folder of a server of ours: its data and its log, made for one run and removed with it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

from outboxbench.harness import sweep
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.account import server_account, spawn
from outboxbench.harness.postgres.place import FOLDER_VARIABLE, data_root
from outboxbench.harness.postgres.stopping import KINDLY, end

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from outboxbench.harness.janitor import Janitor

DATA_PATIENCE_S = 300.0
TELLING_LEVELS = ("PANIC:", "FATAL:", "ERROR:", "error:", "HINT:", "DETAIL:")


class DataFolder:
    """A folder that is not there before `make`; only the server's account can look into it.

    Raises:
        BadInput: the folder for temporary data cannot be used.
        CannotRun: no account of this machine can run a server.
    """

    def __init__(self, janitor: Janitor) -> None:
        self._janitor = janitor
        self.account = server_account()
        self.path = data_root(self.account) / f"outboxbench-{secrets.token_hex(6)}"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.path / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.path / "server.log"

    def log_text(self) -> str:
        """Return what the server has logged so far."""
        return self.log.read_text(errors="replace")

    def copy_log(self, to: Path) -> None:
        """Copy the log, which is removed with the folder."""
        shutil.copyfile(self.log, to)

    def make(self) -> None:
        """Make it, empty."""
        self._janitor.watch_folder(self.path)
        self.path.mkdir(mode=0o700)
        self.hand_over(self.path)

    def hand_over(self, path: Path) -> None:
        """Give a file or folder to the account that the server runs as."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)

    def fill(self, command: Sequence[str | Path], variables: Mapping[str, str]) -> None:
        """Run the program that makes the data directory, to its end.

        Raises:
            CannotRun: it fails.
        """
        with self.log.open("wb") as log:
            program = spawn(self.account, command, self.path, log, variables)
        try:
            self._janitor.watch_process(program.pid, signal.SIGTERM)
            failed = program.wait(DATA_PATIENCE_S) != 0
        except subprocess.TimeoutExpired:
            failed = True
        finally:
            end(program, KINDLY)
            self._janitor.forget_process(program.pid)
        if failed:
            raise CannotRun(self.failure("the server's data directory cannot be made"))
        # What the program says is of use only when it fails; the log is the server's from here on.
        self.log.unlink()

    def failure(self, what: str) -> str:
        """Return what went wrong, with what the log says of the reason."""
        text = self.log_text()
        if "No space left on device" in text:
            return (
                f"{what}: the disk that holds {self.path.parent} is full; "
                f"free some space there, or set {FOLDER_VARIABLE} to another folder"
            )
        lines = text.splitlines()
        telling = [line for line in lines if any(level in line for level in TELLING_LEVELS)]
        return f"{what}; it says: {' | '.join((telling or lines)[-3:])}"

    def remove(self) -> None:
        """Remove it with all that is in it."""
        # A child of an interrupted initdb may still write: the removal is tried until it holds.
        sweep.remove_folders([str(self.path)])
        if not self.path.exists():
            self._janitor.forget_folder(self.path)
