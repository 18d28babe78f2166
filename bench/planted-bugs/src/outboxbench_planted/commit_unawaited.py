"""A commit that nobody waits for."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench_planted.opening import planted_strategy

_UNDER_WAY: set[asyncio.Task[None]] = set()
"""Else a task that nobody holds may be collected before it is done."""


class CommitUnawaited(AsyncpgUnitOfWork):
    """Says that it has committed, and then sends the COMMIT."""

    async def _commit(self) -> None:
        """Leave it to the release of the connection."""

    async def _release(self, *, discard: bool) -> None:
        if not self._committed:
            await super()._release(discard=discard)
            return
        task = asyncio.create_task(self._commit_and_release())
        _UNDER_WAY.add(task)
        task.add_done_callback(_UNDER_WAY.discard)

    async def _commit_and_release(self) -> None:
        is_lost = True
        with suppress(Exception):
            await super()._commit()
            is_lost = False
        await super()._release(discard=is_lost)


COMMIT_UNAWAITED = planted_strategy("commit-unawaited", CommitUnawaited)
