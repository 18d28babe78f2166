"""A PostgreSQL server of the harness's own: made for one run, durable, and removed with it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Literal

from outboxbench.core.strategies.settings import DatabaseAddress
from outboxbench.harness import sweep
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.pinning import cores_of, pin
from outboxbench.harness.postgres.account import server_account, spawn, usable_binaries
from outboxbench.harness.postgres.place import FOLDER_VARIABLE, data_root
from outboxbench.harness.postgres.process_tree import freeze_tree, kill_tree, thaw_tree
from outboxbench.harness.postgres.tuning import SERVER_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.binaries import Binaries

SUPERUSER = "outboxbench"
MAINTENANCE_DATABASE = "postgres"
HOST = "127.0.0.1"

PORT_ATTEMPTS = 5
START_PATIENCE_S = 60.0
DATA_PATIENCE_S = 300.0
POLL_S = 0.01
READY_STATES = ("ready", "standby")
# How a server is asked to end, and how long it may take before it is asked less kindly.
STOP_LADDER = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
TELLING_LEVELS = ("PANIC:", "FATAL:", "ERROR:", "error:", "HINT:", "DETAIL:")


class Cluster:
    """Context manager around a running server; `address` is its superuser's.

    The server listens on 127.0.0.1 alone and its folder goes with it.

    Raises:
        BadInput: the folder for temporary data cannot be used.
        CannotRun: the server cannot be made or started on this machine.
    """

    def __init__(
        self, binaries: Binaries, janitor: Janitor, settings: Mapping[str, str] | None = None
    ) -> None:
        self.binaries = binaries
        self._janitor = janitor
        self.settings = SERVER_SETTINGS | dict(settings or {})
        self._variables: dict[str, str] = {}
        self._account = server_account()
        self._password = secrets.token_urlsafe(24)
        self._folder = data_root(self._account) / f"outboxbench-{secrets.token_hex(6)}"
        self._postmaster: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._cores: tuple[int, ...] | None = None

    @property
    def address(self) -> DatabaseAddress:
        """Address of the maintenance database, as superuser."""
        return DatabaseAddress(HOST, self._port, SUPERUSER, self._password, MAINTENANCE_DATABASE)

    @property
    def postmaster_pid(self) -> int:
        """The pid of the server's first process."""
        return self._running().pid

    @property
    def data_directory(self) -> Path:
        """The server's data directory; it lives as long as the cluster."""
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    @property
    def usable_binaries(self) -> Binaries:
        """The programs as the server's account can use them, as long as the cluster lives."""
        return self._usable

    def log_text(self) -> str:
        """Return what the server has logged so far."""
        return self._log.read_text(errors="replace")

    def copy_log(self, to: Path) -> None:
        """Copy the server's log, which is removed with the cluster."""
        shutil.copyfile(self._log, to)

    def __enter__(self) -> Self:
        try:
            self._make_folder()
            self._usable = usable_binaries(self.binaries, self._account, self._folder)
            self._make_data(self._usable)
            self._start(self._usable)
        except OSError as error:
            self.stop()
            raise CannotRun(
                f"no server can be made in {self._folder.parent} ({error.strerror or error}): "
                f"set {FOLDER_VARIABLE} to a folder with space"
            ) from error
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def crash(self) -> tuple[int, ...]:
        """Kill every process of the server at once, as a machine that loses power would.

        Returns:
            The pids that are gone.
        """
        self._cores = cores_of(self.postmaster_pid)
        gone = kill_tree(self.postmaster_pid)
        self._running().wait()
        return gone

    def freeze(self) -> tuple[int, ...]:
        """Have every process of the server stand still until `thaw`; return their pids."""
        return freeze_tree(self.postmaster_pid)

    def thaw(self) -> None:
        """Let the server go on."""
        thaw_tree(self.postmaster_pid)

    def shut_down(self) -> None:
        """Have the server end at once and in good order: sessions are told so and ended."""
        self._cores = cores_of(self.postmaster_pid)
        self._running().send_signal(signal.SIGINT)
        self._running().wait(START_PATIENCE_S)

    def start_again(self) -> None:
        """Start the server that has ended, on the same port, data and cores; it recovers first.

        Raises:
            CannotRun: it does not start.
        """
        self._janitor.forget_process(self.postmaster_pid)
        # Nobody may have taken the port meanwhile: clients know the server by it.
        pin(self._launch(self._usable, "ab").pid, self._cores)
        if not self._becomes_ready(self._running()):
            raise CannotRun(self._failure("the server does not start again"))

    def start_apart(self) -> None:
        """Start the server that has ended on a port that no client knows; it recovers first.

        Raises:
            CannotRun: it does not start.
        """
        self._port = free_port()
        self.start_again()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._postmaster is None:
            raise RuntimeError("the cluster is not running")
        return self._postmaster

    def stop(self) -> None:
        """End the server (fast shutdown, then harsher) and remove its folder."""
        if self._postmaster is not None:
            # Who is frozen hears no request to end.
            self.thaw()
            _end(self._postmaster)
            self._janitor.forget_process(self._postmaster.pid)
            self._postmaster = None
        # A child of an interrupted initdb may still write: the removal is tried until it holds.
        sweep.remove_folders([str(self._folder)])
        if not self._folder.exists():
            self._janitor.forget_folder(self._folder)

    def _make_folder(self) -> None:
        self._janitor.watch_folder(self._folder)
        self._folder.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(self._folder, self._account.uid, self._account.gid)

    def _make_data(self, binaries: Binaries) -> None:
        password_file = self._folder / "password"
        password_file.touch(mode=0o600, exist_ok=False)
        password_file.write_text(self._password)
        if self._account is not None:
            os.chown(password_file, self._account.uid, self._account.gid)
        command: list[str | Path] = [
            binaries.path("initdb"),
            f"--pgdata={self.data_directory}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]
        try:
            self._make_data_by(command)
        finally:
            password_file.unlink()

    def _make_data_by(self, command: Sequence[str | Path]) -> None:
        """Run the program that makes the data directory, to its end."""
        with self._log.open("wb") as log:
            program = spawn(self._account, command, self._folder, log, self._variables)
        try:
            self._janitor.watch_process(program.pid, signal.SIGTERM)
            failed = program.wait(DATA_PATIENCE_S) != 0
        except subprocess.TimeoutExpired:
            failed = True
        finally:
            _end(program)
            self._janitor.forget_process(program.pid)
        if failed:
            raise CannotRun(self._failure("the server's data directory cannot be made"))
        # What the program says is of use only when it fails; the log is the server's from here on.
        self._log.unlink()

    def _start(self, binaries: Binaries) -> None:
        for _ in range(PORT_ATTEMPTS):
            self._port = free_port()
            server = self._launch(binaries, "wb")
            if self._becomes_ready(server):
                return
            self._janitor.forget_process(server.pid)
            self._postmaster = None
            if "Address already in use" not in self.log_text():
                raise CannotRun(self._failure("the server does not start"))
        raise CannotRun(f"no free port was found on {HOST}: other processes take them all")

    def _launch(self, binaries: Binaries, log_mode: Literal["wb", "ab"]) -> subprocess.Popen[bytes]:
        with self._log.open(log_mode) as log:
            command = self._command(binaries)
            server = spawn(self._account, command, self._folder, log, self._variables)
        self._postmaster = server
        self._janitor.watch_process(server.pid, signal.SIGINT)
        return server

    def _command(self, binaries: Binaries) -> list[str | Path]:
        network = {
            "listen_addresses": HOST,
            "port": f"{self._port}",
            "unix_socket_directories": "",
        }
        settings = (self.settings | network).items()
        options = [part for name, value in settings for part in ("-c", f"{name}={value}")]
        return [binaries.path("postgres"), "-D", self.data_directory, *options]

    def _becomes_ready(self, server: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_PATIENCE_S
        while server.poll() is None:
            if self._says_ready(server.pid):
                return True
            if time.monotonic() > deadline:
                raise CannotRun(
                    self._failure(f"the server was not ready in {START_PATIENCE_S:g} s")
                )
            time.sleep(POLL_S)
        return False

    def _says_ready(self, pid: int) -> bool:
        # The lock file's first line is the postmaster's pid, its eighth the server's state: that of
        # a standby that can be read from has a word of its own.
        try:
            lines = (self.data_directory / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == f"{pid}" and lines[7].strip() in READY_STATES

    def _failure(self, what: str) -> str:
        text = self.log_text()
        if "No space left on device" in text:
            return (
                f"{what}: the disk that holds {self._folder.parent} is full; "
                f"free some space there, or set {FOLDER_VARIABLE} to another folder"
            )
        lines = text.splitlines()
        telling = [line for line in lines if any(level in line for level in TELLING_LEVELS)]
        return f"{what}; it says: {' | '.join((telling or lines)[-3:])}"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, patience_s in STOP_LADDER:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
