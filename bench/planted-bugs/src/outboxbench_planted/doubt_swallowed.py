"""A commit of which nobody knows, reported as one that has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench_planted.opening import planted_strategy

if TYPE_CHECKING:
    from outboxbench.core.application.outcome import PersistenceError


class DoubtSwallowed(AsyncpgUnitOfWork):
    """Takes any error for the server's answer, a connection that is gone included."""

    def _translate(self, error: Exception) -> PersistenceError:
        failure = super()._translate(error)
        failure.answered = True
        return failure


DOUBT_SWALLOWED = planted_strategy("doubt-swallowed", DoubtSwallowed)
