"""Waits until relays have delivered all there is, for as long as they come forward."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import psycopg

from outboxbench.harness.faulting.watching import POLL_S, watch_until
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.faulting.watching import Supervised

PATIENCE_S: Final = 30.0
"""Without a step forward: longer than a lease, and than relays pause after an outage."""
LONGEST_S: Final = 300.0

_UNDELIVERED: Final = "SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND audience > 0"

# Somebody has to let these be tried again, and those behind them wait for that.
_BEHIND_DEAD: Final = """
    SELECT count(*) FROM outbox JOIN relay_refusals AS refusal
        USING (aggregate_type, aggregate_id)
    WHERE delivered_at IS NULL AND audience > 0 AND next_attempt_at IS NULL"""


def wait_until_delivered(
    address: DatabaseAddress, crews: Iterable[Supervised], patience_s: float = PATIENCE_S
) -> bool:
    """Wait until nothing is left to deliver, with crews kept whole; tell whether it came to that.

    What is still there when nothing has moved for `patience_s` is for the judge to find, as is a
    message that is dead.
    """
    ends_s = time.monotonic() + LONGEST_S
    moved_s = time.monotonic()
    fewest: int | None = None
    while (now_s := time.monotonic()) < min(moved_s + patience_s, ends_s):
        try:
            waiting, behind_dead = _left(address)
        except psycopg.OperationalError:
            waiting = behind_dead = -1
        if waiting >= 0 and waiting == behind_dead:
            return waiting == 0
        if waiting >= 0 and (fewest is None or waiting < fewest):
            fewest, moved_s = waiting, now_s
        watch_until(time.monotonic_ns() + round(POLL_S * 1e9), crews)
    return False


def _left(address: DatabaseAddress) -> tuple[int, int]:
    """Return how many messages wait, and how many of them do for good."""
    with connect(address) as connection:
        return _count(connection, _UNDELIVERED), _count(connection, _BEHIND_DEAD)


def _count(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])
