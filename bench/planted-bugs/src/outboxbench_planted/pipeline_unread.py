"""A pipeline whose answers nobody reads."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import psycopg

from outboxbench.core.application.outcome import PersistenceError
from outboxbench.core.strategies.psycopg.persistence import open_persistence
from outboxbench.core.strategies.psycopg.pipeline import PsycopgPipelineUnitOfWork
from outboxbench.core.strategies.registry import Strategy


class PipelineUnread(PsycopgPipelineUnitOfWork):
    """Takes the end of the pipeline for the commit, whatever COMMIT was answered with."""

    async def _commit(self) -> None:
        with suppress(psycopg.Error, PersistenceError):
            await super()._commit()


PIPELINE_UNREAD = Strategy(
    "pipeline-unread",
    "psycopg",
    "psycopg",
    "pipeline",
    partial(open_persistence, PipelineUnread, autocommit=True),
)
