"""A command of ours as a process of its own: started, listened to, and ended in any case."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from signal import SIGTERM
from typing import IO, TYPE_CHECKING, Final

from psycopg.conninfo import make_conninfo

from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from typing import Self

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.01


class CommandProcess:
    """Context manager: `outboxbench` with some words, until it is told to stop.

    Args:
        name: what it is, for sentences about it.
        words: the command and its options.
        address: the database; its password goes through the environment.
        janitor: ends it should the harness be gone first.
        output: where its standard output goes; nowhere if None.
    """

    def __init__(
        self,
        name: str,
        words: Sequence[str],
        address: DatabaseAddress,
        janitor: Janitor,
        output: IO[str] | None = None,
    ) -> None:
        self._name = name
        self._command = words[0]
        self._janitor = janitor
        self._said = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        dsn = make_conninfo(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            dbname=address.database,
            sslmode=address.sslmode,
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "outboxbench.cli", *words],
            env={**os.environ, "OUTBOXBENCH_DSN": dsn},
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.DEVNULL,
            stderr=self._said,
            text=True,
            start_new_session=True,
        )
        try:
            janitor.watch_process(self._process.pid, SIGTERM)
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._said.close()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def wait_until_said(self, sign: re.Pattern[str]) -> re.Match[str]:
        """Wait until it has told of something, and return what.

        Raises:
            CannotRun: it has ended, or takes too long.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            said = self.said()
            if found := sign.search(said):
                return found
            if self._process.poll() is not None:
                reason = said.strip().splitlines()[-1:] or [f"status {self._process.returncode}"]
                raise CannotRun(
                    f"{self._name} did not start ({reason[0]}): "
                    f"start it by hand with `outboxbench {self._command}`"
                )
            if time.monotonic() > deadline:
                raise CannotRun(
                    f"{self._name} was not up within {START_TIMEOUT_S:g} s: "
                    "run the suite when the machine has less to do"
                )
            time.sleep(_POLL_S)

    def said(self) -> str:
        """Return what it has told on its standard error."""
        self._said.seek(0)
        return self._said.read()

    def stop(self) -> None:
        """Have it finish what is under way, and wait until it has ended.

        Raises:
            CannotRun: it takes too long.
        """
        self._process.terminate()
        timer = threading.Timer(STOP_TIMEOUT_S, self._process.kill)
        timer.start()
        try:
            code = self._process.wait()
        finally:
            timer.cancel()
        if code != 0:
            raise CannotRun(
                f"{self._name} ended with {code} when it was told to stop: "
                f"{self.said().strip().splitlines()[-1:]}"
            )

    def kill(self) -> None:
        """End it at once."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._janitor.forget_process(self._process.pid)
