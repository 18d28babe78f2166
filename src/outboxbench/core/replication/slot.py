"""The replication slot of a database, which bears the database's name.

A slot makes the server keep its log until it is read. It should be bounded where the server is set
up, with `max_slot_wal_keep_size`, and be dropped when no relay reads it any more.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg

from outboxbench.core.replication import statements as sql

if TYPE_CHECKING:
    from psycopg import Connection

LOST: Final = "lost"
ATTEMPTS: Final = 10


class SlotUnavailable(Exception):
    """The log of a database cannot be read; the text says what to do about it."""


def prepare_slot(connection: Connection[Any]) -> None:
    """Make the slot of the database connected to, unless it is there.

    What the outbox holds undelivered by then is not in the slot's log: it is parked, to be
    delivered from there. It takes until every transaction that runs has ended.

    Raises:
        SlotUnavailable: the server does not write what a slot needs, or keeps it no more; or the
            role, or the database's name, will not do.
    """
    level = _value(connection, "SHOW wal_level")
    if level != "logical":
        raise SlotUnavailable(
            f"the server's wal_level is {level}, which says too little to read the log: "
            "start the server with wal_level=logical"
        )
    name = connection.info.dbname
    status = _value(connection, sql.SLOT_STATUS)
    if status == LOST:
        raise SlotUnavailable(
            f"the slot {name} has lost its log, which grew past max_slot_wal_keep_size: drop it "
            f"with SELECT pg_drop_replication_slot('{name}'), and the next relay delivers all "
            "that the outbox still has"
        )
    if status is None:
        connection.execute(sql.FORGET_PRIMING)
        try:
            connection.execute(sql.CREATE_SLOT)
        except (
            psycopg.errors.InsufficientPrivilege,
            psycopg.errors.InvalidName,
            psycopg.errors.ConfigurationLimitExceeded,
        ) as error:
            raise SlotUnavailable(
                f"no replication slot {name} can be made ({str(error).splitlines()[0]}): it takes "
                "a role with REPLICATION, a name of a-z, 0-9 and _, and max_replication_slots"
            ) from error
    connection.execute(sql.PRIME)


def drop_slots(connection: Connection[Any], database: str) -> None:
    """Drop every logical slot of a database, and end who reads it.

    Raises:
        psycopg.errors.ObjectInUse: others begin to read it again and again.
        psycopg.errors.InsufficientPrivilege: the role may not.
    """
    for _ in range(ATTEMPTS):
        connection.execute(sql.END_READERS, [database])
        # A relay that waits for its turn may be quicker.
        with suppress(psycopg.errors.ObjectInUse):
            connection.execute(sql.DROP_SLOTS, [database])
            return
    connection.execute(sql.DROP_SLOTS, [database])


def _value(connection: Connection[Any], query: str) -> str | None:
    row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]
