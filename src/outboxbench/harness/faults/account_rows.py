"""Rows that clients work on, as sessions of the harness lock them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.probes import open_session
from outboxbench.harness.load.dataset import account_ids, order_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from outboxbench.core.strategies.settings import DatabaseAddress

# Accounts that clients opened have ids that were drawn; counted ones come before every order's.
_SEEDED_ACCOUNTS_SQL = "SELECT count(*) FROM accounts WHERE id < %s"
_LOCK_SQL = "SELECT id FROM accounts WHERE id = ANY(%s) ORDER BY id FOR UPDATE"


def seeded_accounts(connection: psycopg.Connection[Any]) -> tuple[UUID, ...]:
    """Return the ids of the accounts that the database was filled with.

    Raises:
        CannotRun: there are fewer than two.
    """
    try:
        ((accounts,),) = connection.execute(_SEEDED_ACCOUNTS_SQL, [order_id(0)]).fetchall()
    except psycopg.errors.UndefinedTable:
        accounts = 0
    if accounts < 2:
        raise CannotRun(
            "the database holds no two accounts whose rows could be locked: "
            "give the suite a dataset with accounts"
        )
    return account_ids(accounts)


def open_locking_session(
    address: DatabaseAddress, lock_timeout_s: float
) -> psycopg.Connection[Any]:
    """Return a connection that waits no longer than that for a lock.

    Raises:
        CannotRun: the server does not let us in.
    """
    session = open_session(address)
    session.execute(
        "SELECT set_config('lock_timeout', %s, false)", [f"{round(lock_timeout_s * 1000)}"]
    )
    return session


def lock_accounts(session: psycopg.Connection[Any], ids: Sequence[UUID]) -> int:
    """Lock rows until the transaction ends, in the order of their ids; return how many there are.

    Raises:
        psycopg.errors.LockNotAvailable: somebody else holds one of them for too long.
        psycopg.errors.DeadlockDetected: the server ended the transaction to resolve a deadlock.
    """
    return session.execute(_LOCK_SQL, [list(ids)]).rowcount
