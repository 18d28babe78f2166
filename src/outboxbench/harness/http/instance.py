"""An instance of the service, as a process of its own: started, found, and ended in any case."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from signal import SIGTERM
from typing import TYPE_CHECKING, Final

from psycopg.conninfo import make_conninfo

from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.01
_URL: Final = re.compile(r"serves at (http://\S+);")


class Instance:
    """Context manager: `outboxbench serve` on a free port of this machine.

    Args:
        strategy: what it works with.
        address: the database; its password goes through the environment.
        options: of `serve`, beyond these.
        janitor: ends it should the harness be gone first.
    """

    def __init__(
        self, strategy: str, address: DatabaseAddress, options: Sequence[str], janitor: Janitor
    ) -> None:
        self._strategy = strategy
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
        words = ("serve", "--strategy", strategy, "--port", "0", *options)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "outboxbench.cli", *words],
            env={**os.environ, "OUTBOXBENCH_DSN": dsn},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
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

    def url(self) -> str:
        """Wait until it answers, and return where.

        Raises:
            CannotRun: it has ended, or takes too long.
        """
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            said = self.said()
            if found := _URL.search(said):
                return found[1]
            if self._process.poll() is not None:
                reason = said.strip().splitlines()[-1:] or [f"status {self._process.returncode}"]
                raise CannotRun(
                    f"the service over {self._strategy} did not start ({reason[0]}): "
                    "start it by hand with `outboxbench serve`"
                )
            if time.monotonic() > deadline_s:
                raise CannotRun(
                    f"the service over {self._strategy} was not up within {START_TIMEOUT_S:g} s: "
                    "run the suite when the machine has less to do"
                )
            time.sleep(_POLL_S)

    def said(self) -> str:
        """Return what it has told on its standard error."""
        self._said.seek(0)
        return self._said.read()

    def stop(self) -> None:
        """Have it answer what is under way, and wait until it has ended.

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
                f"the service over {self._strategy} ended with {code} when it was told to stop: "
                f"{self.said().strip().splitlines()[-1:]}"
            )

    def kill(self) -> None:
        """End it at once."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._janitor.forget_process(self._process.pid)
