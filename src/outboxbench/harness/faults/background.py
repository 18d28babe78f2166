"""What a fault does again and again until it is healed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import psutil
import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_PATIENCE_S: Final = 60.0
"""Longer than any step takes, each of which has bounds of its own."""


class Background:
    """Takes a step over and over in a thread of its own, until `stop`.

    Ends by itself where the server, or the session that the step goes through, has ended; `error`
    then says so.
    """

    def __init__(self, step: Callable[[], None], pause_s: float) -> None:
        self.error: psycopg.Error | psutil.Error | None = None
        self._step = step
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault", daemon=True)

    def start(self) -> None:
        """Take the first step."""
        self._thread.start()

    def stop(self) -> None:
        """Let the step that is being taken be the last, and wait for its end."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(STEP_PATIENCE_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._step()
            except (psycopg.Error, psutil.Error) as error:
                self.error = error
                return
            self._stopping.wait(self._pause_s)
