"""Reads what a relay beside services has made of what their clients committed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from outboxbench.core.domain.message import Audience
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.chain_state import read_chain
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relaying.due import due_messages
from outboxbench.harness.relaying.ends import table_is_delivered
from outboxbench.results.deliveries import Deliveries, Relayed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from outboxbench.core.strategies.settings import DatabaseAddress

CATCH_UP_S: Final = 120.0
"""A relay makes two operations of every order, and has one processor less than their clients."""

_POLL_S: Final = 0.02

# An entry commits with the one operation that it stands for.
_HANDLED: Final = "SELECT count(*) FROM inbox"
_NOW: Final = "SELECT clock_timestamp()"


def moment_of(address: DatabaseAddress) -> datetime:
    """Return what time it is for the server."""
    moment: datetime = _value(address, _NOW)
    return moment


def wait_until_delivered(address: DatabaseAddress) -> None:
    """Wait until the relays are through.

    Raises:
        CannotRun: they take too long.
    """
    deadline_s = time.monotonic() + CATCH_UP_S
    with connect(address) as connection:
        while not table_is_delivered(connection):
            if time.monotonic() > deadline_s:
                raise CannotRun(
                    f"the relays are not through after {CATCH_UP_S:g} s: "
                    "lower clients or window_s in the suite"
                )
            time.sleep(_POLL_S)


def read_relayed(address: DatabaseAddress, since: datetime, lines: Iterable[str]) -> Relayed:
    """Return what was made of all that was committed since.

    Args:
        address: the database, which nobody uses any more.
        since: when its clients began.
        lines: what the relays have written, a message each.
    """
    with connect(address) as connection:
        due = due_messages(connection, since, Audience.EXTERNAL)
    keys = {(place.aggregate_id, place.version, place.ordinal): key for key, place in due.items()}
    received = []
    for line in lines:
        message = json.loads(line)
        place = (UUID(message["aggregate_id"]), message["version"], message["ordinal"])
        # What nobody committed has no operation, and is not due to anybody either.
        received.append(keys.get(place, (place[0], place[2])))
    return Relayed(
        handled=_value(address, _HANDLED),
        to_broker=Deliveries(due, received),
        chain=read_chain(address, since),
    )


def _value(address: DatabaseAddress, query: str) -> Any:
    with connect(address) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
