"""Opens the plan `log` on a database, whose slot and publication must have been made."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from psycopg import conninfo

from outboxbench.core.replication.outbox import LogOutbox
from outboxbench.core.replication.stream import ReplicationStream
from outboxbench.core.strategies.psycopg.executor import PsycopgExecutor
from outboxbench.core.strategies.psycopg.pool import open_pool
from outboxbench.core.strategies.psycopg_connection import conninfo_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.strategies.settings import StrategySettings

CONNECTIONS: Final = 2
"""One to look at what is parked, and one to park."""

SHORTEST_TIMEOUT_S: Final = 1.0

_OPTIONS: Final = {"proto_version": "1", "publication_names": "outbox", "messages": "true"}


async def open_log_outbox(
    settings: StrategySettings,
    ring: Callable[[], None],
    *,
    lease_s: float = 10.0,
    observe: Callable[[str], None] = lambda _: None,
) -> LogOutbox:
    """Return the outbox that the log of a database is; its first claim begins to read.

    Args:
        settings: where the database is.
        ring: called whenever there is something to claim.
        lease_s: after so long without a word the server takes a reader for dead, and lets another
            one in; a second at least.
        observe: told of what cannot be read.

    Raises:
        PersistenceError: the database cannot be reached.
    """
    pool = await open_pool(replace(settings, pool_size=CONNECTIONS), autocommit=True)
    start = partial(
        ReplicationStream.start,
        _replication_conninfo(settings, lease_s),
        settings.address.database,
        _OPTIONS,
    )
    return LogOutbox(PsycopgExecutor(pool), start, ring, pool.close, observe)


def _replication_conninfo(settings: StrategySettings, lease_s: float) -> str:
    timeout_ms = round(1000 * max(SHORTEST_TIMEOUT_S, lease_s))
    return conninfo.make_conninfo(
        conninfo_of(settings),
        replication="database",
        options=f"-c application_name=outboxbench -c wal_sender_timeout={timeout_ms}",
    )
