"""A group commit that lets its members go before it has committed."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from outboxbench.core.strategies.asyncpg.group import AsyncpgGroupSession, group_persistence
from outboxbench.core.strategies.asyncpg.persistence import open_pool
from outboxbench.core.strategies.group.committer import GroupCommitter
from outboxbench.core.strategies.group.requests import Request, WriteRequest
from outboxbench.core.strategies.registry import Strategy

if TYPE_CHECKING:
    from outboxbench.core.strategies.group.lane import Lane
    from outboxbench.core.strategies.group.unit_of_work import GroupPersistence
    from outboxbench.core.strategies.settings import StrategySettings


class EarlyAcknowledgement(GroupCommitter):
    """Lets go of a unit of work as soon as its change waits for a connection."""

    async def ask(self, lane: Lane[Any], request: Request) -> Any:
        """Return at once where something is to be written."""
        if isinstance(request, WriteRequest):
            # Whoever believes that it is stored counts the version up.
            as_it_is = copy(request.change.aggregate)
            request.change = replace(request.change, aggregate=as_it_is)
            lane.add(request)
            self._serve_more()
            return None
        return await super().ask(lane, request)


async def open_group(
    committer_type: type[GroupCommitter], settings: StrategySettings
) -> GroupPersistence:
    """Open the plan `group` with a committer that is wrong."""
    pool = await open_pool(settings)
    committer = committer_type(partial(AsyncpgGroupSession, pool), 1)
    return group_persistence(committer, pool, settings)


EARLY_ACKNOWLEDGEMENT = Strategy(
    "early-acknowledgement",
    "asyncpg",
    "asyncpg",
    "group",
    partial(open_group, EarlyAcknowledgement),
)
