"""A psycopg connection that does not wait for ever, for whatever stands on psycopg."""

from __future__ import annotations

import os
import socket
from asyncio import get_running_loop
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from psycopg import AsyncConnection

if TYPE_CHECKING:
    from psycopg.abc import RV, PQGen

_WAKE_UP_S: Final = 0.1
"""psycopg's own: it looks that often whether it was interrupted."""


class PatientConnection(AsyncConnection[Any]):
    """A connection that is lost once the server has not answered for `answer_timeout_s`.

    libpq has no such limit: where nothing passes any more, whoever waits for an answer waits for
    ever. A cancellation would have to reach the server, so the socket is shut down instead, which
    libpq finds as it does every loss.
    """

    answer_timeout_s: float | None = None

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = _WAKE_UP_S,
        timeout: float | None = None,  # noqa: ASYNC109 - as the class that this extends has it
    ) -> RV:
        """Wait for an answer, as long as one may take."""
        if self.answer_timeout_s is None:
            return await super().wait(gen, interval, timeout)
        # No `asyncio.timeout`, which costs several times as much as this.
        limit = get_running_loop().call_later(self.answer_timeout_s, self._shut_down)
        try:
            return await super().wait(gen, interval, timeout)
        finally:
            limit.cancel()

    def _shut_down(self) -> None:
        with suppress(OSError), socket.socket(fileno=os.dup(self.fileno())) as connection:
            connection.shutdown(socket.SHUT_RDWR)
