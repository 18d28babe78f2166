"""Strategies that are wrong on purpose, one for each rule: asyncpg's, with one thing broken.

Those that a fault run has to convict as well are planted in bench/planted-bugs.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID, uuid4

from outboxbench.core.application.outcome import VersionConflict
from outboxbench.core.application.unit_of_work import Change
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.asyncpg import ASYNCPG_GROUP
from outboxbench.core.strategies.asyncpg.persistence import open_persistence as open_asyncpg
from outboxbench.core.strategies.asyncpg.single import AsyncpgSingleUnitOfWork
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench.core.strategies.group.committer import GroupCommitter
from outboxbench.core.strategies.psycopg.persistence import open_persistence as open_psycopg
from outboxbench.core.strategies.psycopg.pipeline import PsycopgPipelineUnitOfWork
from outboxbench.core.strategies.registry import Strategy
from outboxbench_planted.early_acknowledgement import open_group
from outboxbench_planted.message_rows import VERSION_COLUMN, with_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.domain.aggregate import Aggregate
    from outboxbench.core.domain.message import Message
    from outboxbench.core.strategies.group.lane import Lane
    from outboxbench.core.strategies.group.requests import Request

BrokenUnit: TypeAlias = (
    AsyncpgUnitOfWork | AsyncpgSingleUnitOfWork | PsycopgPipelineUnitOfWork | GroupCommitter
)


class IgnoredMiss(AsyncpgUnitOfWork):
    """Does not look whether the update hit anything."""

    async def _update(self, aggregate: Aggregate, statement: str, *written: object) -> None:
        await self._execute(statement, aggregate.id, aggregate.version, *written)


class FreshOpId(AsyncpgUnitOfWork):
    """Draws an op_id of its own when it writes."""

    async def _write(self, change: Change) -> None:
        await super()._write(replace(change, op_id=uuid4()))


class StaleNumbers(AsyncpgUnitOfWork):
    """Gives the messages the version that was read."""

    async def _execute_all(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if statement == sql.INSERT_MESSAGE:
            rows = [with_version(row, row[VERSION_COLUMN] - 1) for row in rows]
        await super()._execute_all(statement, rows)


class FirstSaveOnly(AsyncpgUnitOfWork):
    """Stores what was raised up to the first save."""

    _first: list[Message] | None = None

    def track(self, aggregate: Aggregate, *, is_new: bool) -> None:
        super().track(aggregate, is_new=is_new)
        if self._first is None:
            self._first = list(aggregate.events)

    async def _write(self, change: Change) -> None:
        await super()._write(replace(change, messages=self._first or []))


class AcceptsSilence(AsyncpgUnitOfWork):
    """Stores a change that raised nothing."""

    def _take_change(self) -> Change | None:
        aggregate = self._changed
        if aggregate is None:
            return None
        return Change(aggregate, self._changed_is_new, aggregate.take_events(), self.attempt.op_id)


class LastOneWins(AsyncpgUnitOfWork):
    """Forgets the first aggregate when a second one is saved."""

    def track(self, aggregate: Aggregate, *, is_new: bool) -> None:
        self._changed = None
        super().track(aggregate, is_new=is_new)


class NeverDeletes(AsyncpgUnitOfWork):
    """Leaves lines that were removed."""

    async def _execute_all(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if statement != sql.DELETE_ORDER_LINE:
            await super()._execute_all(statement, rows)


class NeverUpdates(AsyncpgUnitOfWork):
    """Leaves lines as they were."""

    async def _execute_all(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if statement != sql.UPDATE_ORDER_LINE:
            await super()._execute_all(statement, rows)


class LinesOfTheLastRead(AsyncpgUnitOfWork):
    """Compares an order with the lines of whichever order was read last."""

    async def _load_order(self, id: UUID) -> Order | None:
        order = await super()._load_order(id)
        if order is not None:
            self._stored_lines = {key: dict(order.lines) for key in self._stored_lines}
        return order


class ChildrenAlone(AsyncpgUnitOfWork):
    """Leaves the root alone when only a line changed."""

    async def _update(self, aggregate: Aggregate, statement: str, *written: object) -> None:
        if isinstance(aggregate, Order) and aggregate.status is OrderStatus.PLACED:
            return
        await super()._update(aggregate, statement, *written)


class LinesBeforeRoot(AsyncpgUnitOfWork):
    """Reads the lines of an order first."""

    async def _load_order(self, id: UUID) -> Order | None:
        lines = [OrderLine(*row) for row in await self._fetch_rows(sql.SELECT_ORDER_LINES, id)]
        order = await super()._load_order(id)
        if order is not None:
            order.lines = {line.line_no: line for line in lines}
            self._stored_lines[id] = dict(order.lines)
        return order


class CommitsAfterAFailure(AsyncpgUnitOfWork):
    """Forgets that it failed: PostgreSQL answers such a COMMIT with ROLLBACK, and no error."""

    async def commit(self) -> None:
        if self._failure is None:
            await super().commit()
        else:
            await self._connection.execute("COMMIT")


class CommitsWhenLeft(AsyncpgUnitOfWork):
    """Takes leaving for a wish to commit."""

    async def _rollback(self) -> None:
        change = self._take_change()
        if change is not None:
            await self._write(change)
        await self._commit()


class NeverCommits(AsyncpgUnitOfWork):
    """Acknowledges a commit that it never sends."""

    async def _commit(self) -> None:
        await self._transaction.rollback()


class KeepsItsConnection(AsyncpgUnitOfWork):
    """Goes on with a connection whose last commit nobody knows of."""

    async def _release(self, *, discard: bool) -> None:
        await super()._release(discard=False)


class LeaksOnFailure(AsyncpgUnitOfWork):
    """Gives a connection back only after a commit."""

    async def _release(self, *, discard: bool) -> None:
        if self._committed:
            await super()._release(discard=discard)


class BlindSingle(AsyncpgSingleUnitOfWork):
    """Counts the version up in its one statement, whatever was read."""

    async def _execute(self, statement: str, *parameters: object) -> int:
        blind = statement.replace("SET version = $4", "SET version = version + $4 - $3").replace(
            "AND version = $3", "AND $3::integer IS NOT NULL"
        )
        return await super()._execute(blind, *parameters)


class GroupThatTakesAllForStored(GroupCommitter):
    """Does not look which changes its statement stored."""

    async def ask(self, lane: Lane[Any], request: Request) -> Any:
        with suppress(VersionConflict):
            return await super().ask(lane, request)


def strategy_of(unit_type: type[BrokenUnit]) -> Strategy:
    """Return a strategy that works like its driver's own but for its units of work."""
    if issubclass(unit_type, GroupCommitter):
        return replace(ASYNCPG_GROUP, open=partial(open_group, unit_type))
    if issubclass(unit_type, PsycopgPipelineUnitOfWork):
        opening = partial(open_psycopg, unit_type, autocommit=True)
        return Strategy(unit_type.__name__, "psycopg", "psycopg", "pipeline", opening)
    return Strategy(
        unit_type.__name__, "asyncpg", "asyncpg", "statements", partial(open_asyncpg, unit_type)
    )
