"""A strategy that knows several hosts connects to the one that takes writes."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import pytest

from outboxbench.core.strategies.settings import DatabaseAddress
from outboxbench.testing.link import Link
from outboxbench.testing.steps import new_account

if TYPE_CHECKING:
    from outboxbench.testing.postgres_arena import PostgresArena

POOL_SIZE = 2


class Hosts:
    """Where a database may be in several places, each connection goes to the right one."""

    @pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "between", "last"])
    async def test_of_several_hosts_the_one_that_takes_writes_is_found(
        self, place: int, arena: PostgresArena
    ) -> None:
        standby = await arena.enter(Link(arena.address, read_only=True))
        primary = await arena.enter(Link(arena.address))
        with closing(socket.socket()) as nobody:
            # Bound and not listening: whoever connects is refused.
            nobody.bind(("127.0.0.1", 0))
            gone = replace(standby.address, port=nobody.getsockname()[1])
            hosts = [gone, standby.address]
            hosts.insert(place, primary.address)
            address = replace(reduce(DatabaseAddress.or_at, hosts), sslmode="disable")
            persistence = await arena.open(pool_size=POOL_SIZE, address=address)
            await new_account(persistence)
        standby.cut()

        async def are_all_left() -> bool:
            return len(await arena.backends()) == POOL_SIZE

        await arena.until("a pool on the one host that takes writes", are_all_left)
