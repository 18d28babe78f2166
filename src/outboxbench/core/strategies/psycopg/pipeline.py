"""The write plan `pipeline` over psycopg: libpq's pipeline mode.

BEGIN travels with the first read, the writes with COMMIT. The writes are one statement, in which
the messages depend on the versioned update: an UPDATE that hits nothing is no error, so nothing
that must not follow a miss may travel beside it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.core.strategies.psycopg.single import PsycopgSingleUnitOfWork

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from psycopg import AsyncPipeline

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.strategies.psycopg.pool import Pool


class PsycopgPipelineUnitOfWork(PsycopgSingleUnitOfWork):
    """The statements of the plan `single`, as an explicit transaction in two batches."""

    __slots__ = ("_pipeline",)

    def __init__(self, pool: Pool, attempt: Attempt) -> None:
        super().__init__(pool, attempt)
        self._pipeline: AbstractAsyncContextManager[AsyncPipeline] | None = None

    async def _begin(self) -> None:
        await super()._begin()
        pipeline = self._connection.pipeline()
        await pipeline.__aenter__()
        self._pipeline = pipeline
        self.awaited.looks = 0
        await self._connection.execute("BEGIN")

    async def _commit(self) -> None:
        written = self._connection.kept_cursor
        if self._change is not None:
            await written.execute(self._statement, self._parameters)
        committed = await self._connection.execute("COMMIT")
        await self._leave_pipeline()
        if committed.statusmessage != "COMMIT":
            raise PersistenceError(
                f"COMMIT was answered with {committed.statusmessage}",
                FailureKind.OTHER,
                answered=committed.statusmessage == "ROLLBACK",
            )
        self._require_stored(written.rowcount)

    async def _rollback(self) -> None:
        # A statement that failed has had everything after it skipped, COMMIT included; leaving
        # reports each of them once more, and the transaction's status tells what is left to do.
        with suppress(psycopg.Error):
            await self._leave_pipeline()
        # Not a statement like any other: psycopg takes what it had sent to be prepared for prepared
        # even where the server has skipped it, and forgets about that only here.
        await self._connection.rollback()

    async def _leave_pipeline(self) -> None:
        # Leaving sends Sync and awaits all answers: it is the round trip of the last batch.
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            await pipeline.__aexit__(None, None, None)
