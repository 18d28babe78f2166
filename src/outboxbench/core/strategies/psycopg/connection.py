"""The connections of our pools of psycopg's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.strategies.psycopg_watched import WatchedConnection

if TYPE_CHECKING:
    from psycopg import AsyncCursor


class Connection(WatchedConnection):
    """A connection that keeps one cursor.

    A new one for each statement would find out again how to adapt every type, which takes up to a
    tenth of the client's time.

    `generation` counts the losses that the pool had seen when it made the connection.
    """

    kept_cursor: AsyncCursor[Any]
    generation: int = 0
