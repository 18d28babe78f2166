"""psycopg's connections under a watch, for whatever stands on psycopg."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection, OperationalError

if TYPE_CHECKING:
    from outboxbench.core.application.answers import AnswerWatch, Awaited


class WatchedConnection(AsyncConnection[Any]):
    """A connection that is lost once it has waited too long.

    libpq has no such limit. A cancellation would have to reach the server, so the socket is shut
    down instead, which libpq finds as it does every loss.
    """

    awaited: Awaited

    def put_under(self, watch: AnswerWatch) -> None:
        """Have this connection watched."""
        self.awaited = watch.awaited(partial(_shut_down, self))


def _shut_down(connection: WatchedConnection) -> None:
    # Not closed, which would leave whoever waits for it with a number that is soon another's.
    with (
        suppress(OSError, OperationalError),
        socket.socket(fileno=os.dup(connection.fileno())) as end,
    ):
        end.shutdown(socket.SHUT_RDWR)
