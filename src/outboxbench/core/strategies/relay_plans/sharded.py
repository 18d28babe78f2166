"""The plan `sharded`: each relay owns shards of the aggregates, and leases nothing else.

To claim is to read. A relay takes its fair share of the shards, gives up what it has beyond that
when another one comes, and loses what it owns when it is not heard of. It looks around between
claims: what waited for the next renewal would wait for seconds, in which nobody delivers.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final
from uuid import UUID

from outboxbench.core.application.outbox import Lease
from outboxbench.core.strategies.relay_plans import shard_statements as sql
from outboxbench.core.strategies.relay_plans.claim_width import ClaimWidth
from outboxbench.core.strategies.relay_plans.sql_outbox import SqlOutbox, runs_of
from outboxbench.core.strategies.relay_plans.statements import MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.outbox import Run, Settled, Settlement
    from outboxbench.core.strategies.relay_plans.executor import SqlExecutor

SHARDS: Final = 16

LOOKS_PER_LEASE: Final = 50
"""How often a relay that claims looks for others that came, and for shards that are free."""

_START = ("", UUID(int=0))


class ShardedOutbox(SqlOutbox):
    """Reads the shards that it owns, leaving out the aggregates that are on their way."""

    def __init__(self, executor: SqlExecutor, lease_s: float) -> None:
        super().__init__(executor, held=sql.HELD_BY_SHARD, delivered=MARK)
        self._lease_s = lease_s
        self._token: int | None = None
        # The shards that are owned, each with the aggregate where the last claim ended.
        self._places: dict[int, tuple[str, UUID]] = {}
        # Not read any more, and given away once nothing of them is on its way.
        self._leaving: set[int] = set()
        self._in_flight: dict[UUID, int] = {}
        self._width = ClaimWidth()
        self._look_at_s = 0.0
        self._rebalancing = asyncio.Lock()

    async def claim(self, limit: int) -> Sequence[Run]:
        """Read on in every shard that is owned."""
        await self._look_around()
        if not self._places:
            return []
        runs = await self._read(limit)
        if not runs and any(place != _START for place in self._places.values()):
            # Once around: the beginnings have not been looked at since.
            self._places = dict.fromkeys(self._places, _START)
            runs = await self._read(limit)
        return runs

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Note what was delivered and what was refused."""
        settled = await super().settle(settlements)
        for settlement in settlements:
            self._in_flight.pop(settlement.run.aggregate_id, None)
        return settled

    async def renew(self, tokens: Sequence[int]) -> Sequence[int]:
        """Stay a member, and own a fair share; return the token while any shard is owned."""
        del tokens
        await self._own_fair_share()
        return [self._token] if self._token is not None and self._places else []

    async def close(self) -> None:
        """Leave the shards to the others at once."""
        if self._token is not None:
            await self._executor.fetch(sql.RELEASE_SHARDS, self._token, list(range(SHARDS)))
            await self._executor.fetch(sql.LEAVE, self._token)
            self._token, self._places = None, {}
            self._leaving.clear()

    async def _read(self, limit: int) -> list[Run]:
        places = list(self._places.items())
        rows = list(
            await self._executor.fetch(
                sql.CLAIM_SHARDS,
                [shard for shard, _ in places],
                [aggregate_type for _, (aggregate_type, _) in places],
                [aggregate_id for _, (_, aggregate_id) in places],
                list(self._in_flight),
                self._width.aggregates(limit),
                limit,
            )
        )
        assert self._token is not None
        # Another may have what was given up while this was read.
        rows = [row for row in rows if row[0] in self._places]
        for row in rows:
            shard, aggregate = row[0], (row[4], row[5])
            self._in_flight[aggregate[1]] = shard
            self._places[shard] = aggregate
        # One lease for all: what is lost with one shard is told by the settlement.
        runs = runs_of(Lease(self._token), ((row[1], tuple(row)[2:]) for row in rows))
        self._width.note(runs, limit)
        return runs

    async def _look_around(self) -> None:
        """See to it that shards are given and taken soon, at little cost while all is even."""
        if self._token is None:
            await self._own_fair_share()
        if self._leaving:
            async with self._rebalancing:
                await self._release_what_is_idle()
        if monotonic() < self._look_at_s:
            return
        self._look_later()
        ((members, free),) = await self._executor.fetch(sql.LOOK_AROUND)
        missing = _fair_share(members) - len(self._places)
        if missing < 0 or (missing > 0 and free):
            await self._own_fair_share()

    async def _own_fair_share(self) -> None:
        # Claims and renewals come from different tasks: the later would go by what the earlier had.
        async with self._rebalancing:
            if self._token is None:
                ((self._token,),) = await self._executor.fetch(sql.NEXT_TOKEN)
            me = (self._token, self._lease_s)
            ((members,),) = await self._executor.fetch(sql.MEET_MEMBERS, *me)
            owned = {row[0] for row in await self._executor.fetch(sql.RENEW_SHARDS, *me)}
            self._leaving &= owned
            missing = _fair_share(members) - len(owned - self._leaving)
            if missing < 0:
                self._leaving.update(sorted(owned - self._leaving)[:-missing])
            else:
                taken_back = sorted(self._leaving)[:missing]
                self._leaving.difference_update(taken_back)
                missing -= len(taken_back)
            if missing > 0:
                taken = await self._executor.fetch(sql.TAKE_SHARDS, *me, missing)
                owned.update(row[0] for row in taken)
            kept = owned - self._leaving
            self._places = {shard: self._places.get(shard, _START) for shard in kept}
            # What was just taken is read before it is given away again.
            self._look_later()
            await self._release_what_is_idle()

    def _look_later(self) -> None:
        self._look_at_s = monotonic() + self._lease_s / LOOKS_PER_LEASE

    async def _release_what_is_idle(self) -> None:
        idle = self._leaving.difference(self._in_flight.values())
        if idle:
            await self._executor.fetch(sql.RELEASE_SHARDS, self._token, sorted(idle))
            self._leaving -= idle


def _fair_share(members: int) -> int:
    return -(-SHARDS // max(1, members))
