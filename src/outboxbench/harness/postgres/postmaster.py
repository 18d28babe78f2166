"""The first process of a server of ours: started, brought down in every way, and started again."""

from __future__ import annotations

import signal
import socket
import time
from typing import TYPE_CHECKING, Literal

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.pinning import cores_of, pin
from outboxbench.harness.postgres.account import spawn
from outboxbench.harness.postgres.process_tree import freeze_tree, kill_tree, thaw_tree
from outboxbench.harness.postgres.stopping import AT_ONCE, end

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.data_folder import DataFolder

HOST = "127.0.0.1"

PORT_ATTEMPTS = 5
START_PATIENCE_S = 60.0
POLL_S = 0.01
READY_STATES = ("ready", "standby")


class Postmaster:
    """Serves the data of a folder on a port of 127.0.0.1, and there alone."""

    def __init__(self, folder: DataFolder, janitor: Janitor) -> None:
        self._folder = folder
        self._janitor = janitor
        self._command: list[str | Path] = []
        self._variables: Mapping[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._cores: tuple[int, ...] | None = None
        self.port = 0

    @property
    def pid(self) -> int:
        """Its pid, also of one that has ended."""
        return self._running().pid

    def start(
        self, program: Path, settings: Mapping[str, str], variables: Mapping[str, str]
    ) -> None:
        """Start a server on a port that is free, and wait until it is ready.

        Args:
            program: `postgres`.
            settings: server parameters.
            variables: of its environment, besides the usual ones.

        Raises:
            CannotRun: it does not start.
        """
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._command = [program, "-D", self._folder.data, *options]
        self._variables = variables
        for _ in range(PORT_ATTEMPTS):
            self.port = free_port()
            server = self._launch("wb")
            if self._becomes_ready(server):
                return
            self._janitor.forget_process(server.pid)
            self._process = None
            if "Address already in use" not in self._folder.log_text():
                raise CannotRun(self._folder.failure("the server does not start"))
        raise CannotRun(f"no free port was found on {HOST}: other processes take them all")

    def crash(self) -> tuple[int, ...]:
        """Kill every process of the server at once; return the pids that are gone."""
        self._cores = cores_of(self.pid)
        gone = kill_tree(self.pid)
        self._running().wait()
        return gone

    def freeze(self) -> tuple[int, ...]:
        """Have every process of the server stand still until `thaw`; return their pids."""
        return freeze_tree(self.pid)

    def thaw(self) -> None:
        """Let the server go on."""
        thaw_tree(self.pid)

    def shut_down(self) -> None:
        """Have the server end at once and in good order: sessions are told so and ended."""
        self._cores = cores_of(self.pid)
        self._running().send_signal(signal.SIGINT)
        self._running().wait(START_PATIENCE_S)

    def start_again(self) -> None:
        """Start the server that has ended, on the same port and cores; it recovers first.

        Raises:
            CannotRun: it does not start.
        """
        self._start_again()

    def start_apart(self) -> None:
        """Start the server that has ended on a port that no client knows; it recovers first.

        What it holds can be read; nothing that it writes from then on is synced to disk.

        Raises:
            CannotRun: it does not start.
        """
        self.port = free_port()
        # With fsync it would first sync every file that it has, which may take seconds.
        self._start_again("-c", "fsync=off")

    def stop(self) -> None:
        """End the server, if it was started: its data will not be used again."""
        if self._process is None:
            return
        # Who is frozen hears no request to end.
        self.thaw()
        end(self._process, AT_ONCE)
        self._janitor.forget_process(self._process.pid)
        self._process = None

    def _start_again(self, *options: str) -> None:
        self._janitor.forget_process(self.pid)
        # Nobody may have taken the port meanwhile: clients know the server by it.
        pin(self._launch("ab", *options).pid, self._cores)
        if not self._becomes_ready(self._running()):
            raise CannotRun(self._folder.failure("the server does not start again"))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the cluster is not running")
        return self._process

    def _launch(self, log_mode: Literal["wb", "ab"], *more: str) -> subprocess.Popen[bytes]:
        network = {
            "listen_addresses": HOST,
            "port": f"{self.port}",
            "unix_socket_directories": "",
        }
        options = [part for name, value in network.items() for part in ("-c", f"{name}={value}")]
        folder = self._folder
        with folder.log.open(log_mode) as log:
            command = [*self._command, *options, *more]
            server = spawn(folder.account, command, folder.path, log, self._variables)
        self._process = server
        self._janitor.watch_process(server.pid, signal.SIGQUIT)
        return server

    def _becomes_ready(self, server: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_PATIENCE_S
        while server.poll() is None:
            if self._says_ready(server.pid):
                return True
            if time.monotonic() > deadline:
                raise CannotRun(
                    self._folder.failure(f"the server was not ready in {START_PATIENCE_S:g} s")
                )
            time.sleep(POLL_S)
        return False

    def _says_ready(self, pid: int) -> bool:
        # The lock file's first line is the postmaster's pid, its eighth the server's state: that of
        # a standby that can be read from has a word of its own.
        try:
            lines = (self._folder.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == f"{pid}" and lines[7].strip() in READY_STATES


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
