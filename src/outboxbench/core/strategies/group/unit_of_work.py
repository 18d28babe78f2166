"""One unit of work of the plan `group`: it has no connection of its own, it asks the committer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from outboxbench.core.application.outcome import FailureKind, PersistenceError, Stage
from outboxbench.core.application.unit_of_work import TrackingUnitOfWork
from outboxbench.core.domain.ordering import Order
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.group.requests import Request, WriteRequest
from outboxbench.core.strategies.operations import was_committed
from outboxbench.core.strategies.relay_plans.opening import open_outbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import Outbox
    from outboxbench.core.application.unit_of_work import Change
    from outboxbench.core.domain.ordering import OrderLine
    from outboxbench.core.strategies.group.committer import GroupCommitter
    from outboxbench.core.strategies.relay_plans.executor import SqlExecutor


class GroupUnitOfWork(TrackingUnitOfWork):
    """Optimistic: what it read is checked when it is written."""

    __slots__ = ("_committer", "_stored_lines")

    def __init__(self, committer: GroupCommitter, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._committer = committer
        self._stored_lines: dict[UUID, dict[int, OrderLine]] = {}

    async def _begin(self) -> None:
        self.attempt.stage = Stage.BEGIN

    async def _load_account(self, id: UUID) -> Account | None:
        request = Request(id, self.attempt, asyncio.get_running_loop().create_future())
        answer = await self._committer.ask(self._committer.account_reads, request)
        return cast("Account | None", answer)

    async def _load_order(self, id: UUID) -> Order | None:
        request = Request(id, self.attempt, asyncio.get_running_loop().create_future())
        answer = await self._committer.ask(self._committer.order_reads, request)
        order = cast("Order | None", answer)
        if order is not None:
            self._stored_lines[id] = dict(order.lines)
        return order

    async def _write(self, change: Change) -> None:
        match change.aggregate:
            case Account():
                lane = self._committer.account_writes
            case Order():
                lane = self._committer.order_writes
            case other:
                raise TypeError(f"nothing stores a {type(other).__name__}")
        stored_lines = self._stored_lines.get(change.aggregate.id, {})
        # Whoever sends the batch marks that it may commit: until then, nothing is sent.
        await self._committer.ask(
            lane,
            WriteRequest(
                change, stored_lines, self.attempt, asyncio.get_running_loop().create_future()
            ),
        )

    async def _commit(self) -> None:
        """What wrote the change has committed it."""

    async def _rollback(self) -> None:
        """No statement leaves a transaction open."""

    async def _release(self, *, discard: bool) -> None:
        """Nothing was acquired: the connection is the batch's, which judges it by itself."""

    def _translate(self, error: Exception) -> PersistenceError:
        return PersistenceError(f"{type(error).__name__}: {error}", FailureKind.OTHER)


class GroupPersistence:
    """Units of work that share a committer."""

    def __init__(
        self,
        committer: GroupCommitter,
        executor: SqlExecutor,
        listen: Callable[[Callable[[], None]], Awaitable[None]],
        announce: Callable[[Doorbell], Awaitable[None]],
        close_pool: Callable[[], Awaitable[None]],
    ) -> None:
        self._committer = committer
        self._executor = executor
        self._listen = listen
        self._announce = announce
        self._close_pool = close_pool

    def unit_of_work(self, attempt: Attempt) -> GroupUnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        return GroupUnitOfWork(self._committer, attempt)

    def outbox(self, plan: RelayPlan, lease_s: float) -> Outbox:
        """Return the outbox as one relay sees it."""
        return open_outbox(self._executor, plan, lease_s)

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` whenever a commit is announced, on a connection beside the pool."""
        await self._listen(ring)

    async def announce(self, bell: Doorbell) -> None:
        """Notify whoever listens each time the bell is rung, over a connection beside the pool."""
        await self._announce(bell)

    async def was_committed(self, op_id: UUID) -> bool:
        """Tell whether an operation is in the database."""
        return await was_committed(self._executor, op_id)

    async def close(self) -> None:
        """Stop serving and close every connection."""
        await self._committer.close()
        await self._close_pool()
