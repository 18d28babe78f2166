"""What a raw driver has to be able to do, whatever the write plan that uses it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from outboxbench.core.application.answers import Awaited


class RawDriver(ABC):
    """Sends statements on the connection of one unit of work. Mixed into a write plan's."""

    __slots__ = ()

    awaited: Awaited
    """Of the connection that was acquired; each statement asks, and its caller is answered."""

    @abstractmethod
    async def _fetch_row(self, statement: str, *parameters: object) -> Iterable[Any] | None:
        """Return the only row, or None."""

    @abstractmethod
    async def _fetch_rows(self, statement: str, *parameters: object) -> Iterable[Iterable[Any]]:
        """Return all rows."""

    @abstractmethod
    async def _execute(self, statement: str, *parameters: object) -> int:
        """Return how many rows were hit."""

    @abstractmethod
    async def _execute_many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run a statement for every row, in one round trip."""
