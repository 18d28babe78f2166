"""Waits until relays have delivered all there is, for as long as they come forward."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import psycopg

from outboxbench.harness.faulting.watching import POLL_S, watch_until
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.faulting.watching import Supervised

PATIENCE_S: Final = 30.0
"""Without a step forward: longer than a lease, and than relays pause after an outage."""
LONGEST_S: Final = 900.0
"""With one step forward after the other: a load that relays cannot take is no load to measure."""

Drained: TypeAlias = Literal["through", "stuck", "under way"]
"""Nothing is left to deliver; or nobody delivers what is left; or time ran out before the end."""

# Who is alone with the database changes these only by delivering: of the messages that wait some
# are gone then, and others may have come, which the handling of those has stored.
_WAITING: Final = """
    SELECT count(*), count(*) FILTER (WHERE EXISTS (
               SELECT FROM relay_refusals AS refusal
               WHERE refusal.aggregate_type = waiting.aggregate_type
                 AND refusal.aggregate_id = waiting.aggregate_id
                 AND next_attempt_at IS NULL)),
           max(created_at)::text
    FROM outbox AS waiting WHERE delivered_at IS NULL AND audience > 0"""


class _Waiting(NamedTuple):
    """What waits, how many of it for good, and when the newest was stored.

    Somebody has to let dead ones be tried again, and those behind them wait for that.
    """

    messages: int
    behind_dead: int
    newest: str | None


def wait_until_delivered(
    address: DatabaseAddress,
    crews: Iterable[Supervised],
    patience_s: float = PATIENCE_S,
    longest_s: float = LONGEST_S,
) -> Drained:
    """Wait until nothing is left to deliver, with crews kept whole; tell what it came to.

    What is still there when nothing has moved for `patience_s` is for the judge to find, as is a
    message that is dead. After `longest_s` of steps forward nobody can tell yet.
    """
    ends_s = time.monotonic() + longest_s
    moved_s = time.monotonic()
    before: _Waiting | None = None
    while (now_s := time.monotonic()) < moved_s + patience_s:
        waiting = _waiting(address)
        if waiting is not None:
            if waiting.messages == waiting.behind_dead:
                return "stuck" if waiting.messages else "through"
            if before is not None and waiting != before:
                moved_s = now_s
            before = waiting
        if now_s >= ends_s:
            return "under way"
        # A long backlog takes a while to count, during which relays have less of the server.
        pause_s = max(POLL_S, 4 * (time.monotonic() - now_s))
        watch_until(time.monotonic_ns() + round(pause_s * 1e9), crews)
    return "stuck"


def _waiting(address: DatabaseAddress) -> _Waiting | None:
    """Return what waits; None where the server does not say."""
    try:
        with connect(address) as connection:
            row = connection.execute(_WAITING.encode()).fetchone()
    except psycopg.OperationalError:
        return None
    assert row is not None
    return _Waiting(*row)
