"""A unit of work that passes everything on, for those who watch what goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from outboxbench.core.application.ports import Repository, UnitOfWork
    from outboxbench.core.domain.ordering import Order
    from outboxbench.core.domain.payments import Account


class ForwardingUnitOfWork:
    """Does what the unit of work behind it does; a subclass adds to one of the steps."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    @property
    def accounts(self) -> Repository[Account]:
        """The accounts."""
        return self._unit.accounts

    @property
    def orders(self) -> Repository[Order]:
        """The orders."""
        return self._unit.orders

    async def __aenter__(self) -> Self:
        await self._unit.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._unit.__aexit__(exc_type, exc, traceback)

    async def commit(self) -> None:
        """Store the state and every message raised."""
        await self._unit.commit()
