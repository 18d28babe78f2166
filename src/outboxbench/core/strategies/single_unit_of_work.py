"""The write plan `single`: read without a transaction, then write all in one statement.

Optimistic: nothing is locked while Python works. The statement is a transaction of its own, so it
is also what may commit: from the moment it is sent, only its answer tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outcome import VersionConflict
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.strategies.raw_plan import RawPlan
from outboxbench.core.strategies.rows import encode_states
from outboxbench.core.strategies.whole_change import SELECT_WHOLE_ORDER, whole_change

if TYPE_CHECKING:
    from uuid import UUID

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.unit_of_work import Change


class SingleUnitOfWork(RawPlan):
    """One statement to read, one to write."""

    __slots__ = ("_change", "_parameters", "_statement")

    _statement: str
    _parameters: tuple[Any, ...]

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._change: Change | None = None

    async def _load_order(self, id: UUID) -> Order | None:
        rows = [tuple(row) for row in await self._fetch_rows(SELECT_WHOLE_ORDER, id)]
        if not rows:
            return None
        order_id, version, account_id, status, tags = rows[0][:5]
        lines = [OrderLine(*row[5:]) for row in rows if row[5] is not None]
        order = Order(order_id, account_id, OrderStatus(status), tags, lines, version)
        self._stored_lines[id] = dict(order.lines)
        return order

    async def _write(self, change: Change) -> None:
        stored_lines = self._stored_lines.get(change.aggregate.id, {})
        # Sent by the commit: its bytes carry it.
        self._statement, self._parameters = whole_change(
            change, encode_states(change), stored_lines
        )
        self._change = change

    async def _commit(self) -> None:
        if self._change is not None:
            # The count stands in the answer that follows the commit, so it proves both.
            self._require_stored(await self._execute(self._statement, *self._parameters))

    def _require_stored(self, messages: int) -> None:
        change = self._change
        if change is not None and messages != len(change.messages):
            aggregate = change.aggregate
            raise VersionConflict(aggregate.aggregate_type, aggregate.id, aggregate.version)

    async def _rollback(self) -> None:
        """No statement leaves a transaction open."""
