"""What the write plans over a raw driver share: the driver, and how an account is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.unit_of_work import TrackingUnitOfWork
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.raw_driver import RawDriver

if TYPE_CHECKING:
    from uuid import UUID

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.domain.ordering import OrderLine


class RawPlan(TrackingUnitOfWork, RawDriver):
    """A unit of work over the shared SQL; a plan adds which statements travel when."""

    __slots__ = ("_stored_lines",)

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._stored_lines: dict[UUID, dict[int, OrderLine]] = {}

    async def _load_account(self, id: UUID) -> Account | None:
        row = await self._fetch_row(sql.SELECT_ACCOUNT, id)
        if row is None:
            return None
        account_id, version, balance_cents = row
        return Account(account_id, balance_cents, version)
