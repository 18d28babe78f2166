"""The harness's side of the proxy: starts it, asks it for its counts, and ends it in any case."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from signal import SIGTERM
from typing import TYPE_CHECKING, Any, Final

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.wire.counts import WireCounts

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

ANSWER_TIMEOUT_S: Final = 60.0
"""For imports, on a machine that is slow or busy; a proxy that runs answers at once."""

_ENFORCED_TLS: Final = ("require", "verify-ca", "verify-full")


class WireProxy:
    """Context manager around a proxy in front of the server that `server` is an address on.

    Raises:
        CannotRun: the address demands TLS, which the proxy could not look into.
    """

    def __init__(self, server: DatabaseAddress, janitor: Janitor) -> None:
        if server.sslmode in _ENFORCED_TLS:
            raise CannotRun(
                f"sslmode={server.sslmode} hides the messages that the wire proxy counts: "
                "name a server in the DSN that allows sslmode=disable"
            )
        self._server = server
        self._janitor = janitor

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "outboxbench.harness.wire.proxy"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            # Ctrl-C is for the harness, which then ends its children itself.
            start_new_session=True,
        )
        try:
            self._janitor.watch_process(self._process.pid, SIGTERM)
            self._tell({"host": self._server.host, "port": self._server.port})
            self._port: int = self._hear("listening")["port"]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def address(self, database: str) -> DatabaseAddress:
        """Return the address of a database of the server, as seen through the proxy."""
        return replace(
            self._server,
            host="127.0.0.1",
            port=self._port,
            database=database,
            sslmode="disable",
        )

    def counts(self) -> WireCounts:
        """Return the totals so far: exact if every client has its answers.

        Raises:
            CannotRun: the proxy has ended, or does not answer.
        """
        self._tell({"request": "counts"})
        return WireCounts.from_json(self._hear("counts")["counts"])

    def _tell(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise CannotRun(self._epitaph()) from None

    def _hear(self, event: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        # Reading from a pipe knows no timeout; a proxy that hangs is ended, which ends the read.
        overdue = threading.Timer(ANSWER_TIMEOUT_S, self._process.kill)
        overdue.start()
        try:
            line = self._process.stdout.readline()
        finally:
            overdue.cancel()
        if not line:
            raise CannotRun(self._epitaph())
        message: dict[str, Any] = json.loads(line)
        assert message["event"] == event
        return message

    def _epitaph(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        reason = lines[-1] if lines else f"exit status {self._process.returncode}"
        return f"the wire proxy ended without an answer ({reason}): start the run again"

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._janitor.forget_process(self._process.pid)
        self._errors.close()
