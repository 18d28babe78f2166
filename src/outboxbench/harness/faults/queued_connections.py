"""Connections that are asked for before there is a slot for them, so that they come first.

The kernel keeps who wants to connect to a server in the order of their coming, also while the
process that lets them in stands still.
"""

from __future__ import annotations

import select
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import ConnStatus, PGconn, PollingStatus

from outboxbench.harness.faults.probes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.pq.abc import PGconn as AnyPGconn

    from outboxbench.core.strategies.settings import DatabaseAddress

_EVENTS = {PollingStatus.READING: select.POLLIN, PollingStatus.WRITING: select.POLLOUT}


@contextmanager
def closed_door(postmaster_pid: int) -> Iterator[None]:
    """Have nobody let in for a moment; sessions that exist go on, and may end."""
    postmaster = psutil.Process(postmaster_pid)
    postmaster.suspend()
    try:
        yield
    finally:
        postmaster.resume()


class QueuedConnections:
    """So many connections to a server, each asked for and not waited for."""

    def __init__(self, address: DatabaseAddress, number: int) -> None:
        conninfo = make_conninfo(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            dbname=address.database,
            sslmode=address.sslmode,
            application_name="outboxbench harness",
        ).encode()
        self._waiting: dict[AnyPGconn, PollingStatus] = {
            # What libpq says before it was first asked how far it has come.
            PGconn.connect_start(conninfo): PollingStatus.WRITING
            for _ in range(number)
        }
        self._let_in: list[psycopg.Connection[Any]] = []
        wait_until(self._are_in_line)

    def settle(self) -> list[psycopg.Connection[Any]]:
        """Wait for the server's answers; return the connections that were let in."""
        wait_until(self._are_answered)
        for refused in self._waiting:
            refused.finish()
        self._waiting.clear()
        return self._let_in

    def _are_in_line(self) -> bool:
        self._go_on()
        return all(each.status == ConnStatus.AWAITING_RESPONSE for each in self._waiting)

    def _are_answered(self) -> bool:
        self._go_on()
        return not self._waiting

    def _go_on(self) -> None:
        for pgconn, awaited in list(self._waiting.items()):
            if not _can_go_on(pgconn, awaited):
                continue
            status = pgconn.connect_poll()
            if status == PollingStatus.OK:
                del self._waiting[pgconn]
                self._let_in.append(psycopg.Connection(pgconn))
            elif status == PollingStatus.FAILED:
                del self._waiting[pgconn]
                pgconn.finish()
            else:
                self._waiting[pgconn] = PollingStatus(status)


def _can_go_on(pgconn: AnyPGconn, awaited: PollingStatus) -> bool:
    # One that nobody listens to has no socket to wait for.
    if pgconn.status == ConnStatus.BAD:
        return True
    ready = select.poll()
    ready.register(pgconn.socket, _EVENTS[awaited])
    return bool(ready.poll(0))
