"""A PostgreSQL server of the harness's own: made for one run, durable, and removed with it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from outboxbench.core.strategies.settings import DatabaseAddress
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.account import usable_binaries
from outboxbench.harness.postgres.data_folder import DataFolder
from outboxbench.harness.postgres.place import FOLDER_VARIABLE
from outboxbench.harness.postgres.postmaster import HOST, Postmaster
from outboxbench.harness.postgres.tuning import SERVER_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.binaries import Binaries

SUPERUSER = "outboxbench"
MAINTENANCE_DATABASE = "postgres"


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
        self.settings = SERVER_SETTINGS | dict(settings or {})
        self._variables: dict[str, str] = {}
        self._password = secrets.token_urlsafe(24)
        self._folder = DataFolder(janitor)
        self._postmaster = Postmaster(self._folder, janitor)

    @property
    def address(self) -> DatabaseAddress:
        """Address of the maintenance database, as superuser."""
        port = self._postmaster.port
        return DatabaseAddress(HOST, port, SUPERUSER, self._password, MAINTENANCE_DATABASE)

    @property
    def postmaster_pid(self) -> int:
        """The pid of the server's first process."""
        return self._postmaster.pid

    @property
    def data_directory(self) -> Path:
        """The server's data directory; it lives as long as the cluster."""
        return self._folder.data

    @property
    def usable_binaries(self) -> Binaries:
        """The programs as the server's account can use them, as long as the cluster lives."""
        return self._usable

    def log_text(self) -> str:
        """Return what the server has logged so far."""
        return self._folder.log_text()

    def copy_log(self, to: Path) -> None:
        """Copy the server's log, which is removed with the cluster."""
        self._folder.copy_log(to)

    def __enter__(self) -> Self:
        folder = self._folder
        try:
            folder.make()
            self._usable = usable_binaries(self.binaries, folder.account, folder.path)
            self._make_data()
            self._postmaster.start(self._usable.path("postgres"), self.settings, self._variables)
        except OSError as error:
            self.stop()
            raise CannotRun(
                f"no server can be made in {folder.path.parent} ({error.strerror or error}): "
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
        return self._postmaster.crash()

    def freeze(self) -> tuple[int, ...]:
        """Have every process of the server stand still until `thaw`; return their pids."""
        return self._postmaster.freeze()

    def thaw(self) -> None:
        """Let the server go on."""
        self._postmaster.thaw()

    def shut_down(self) -> None:
        """Have the server end at once and in good order: sessions are told so and ended."""
        self._postmaster.shut_down()

    def start_again(self) -> None:
        """Start the server that has ended, on the same port, data and cores; it recovers first.

        Raises:
            CannotRun: it does not start.
        """
        self._postmaster.start_again()

    def start_apart(self) -> None:
        """Start the server that has ended on a port that no client knows; it recovers first.

        What it holds can be read; nothing that it writes from then on is synced to disk.

        Raises:
            CannotRun: it does not start.
        """
        self._postmaster.start_apart()

    def stop(self) -> None:
        """End the server at once and remove its folder."""
        self._postmaster.stop()
        self._folder.remove()

    def _make_data(self) -> None:
        password_file = self._folder.path / "password"
        password_file.touch(mode=0o600, exist_ok=False)
        password_file.write_text(self._password)
        self._folder.hand_over(password_file)
        command: list[str | Path] = [
            self._usable.path("initdb"),
            f"--pgdata={self.data_directory}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]
        try:
            self._folder.fill(command, self._variables)
        finally:
            password_file.unlink()
