"""One connection of the pool, for as long as there are batches for it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

from outboxbench.core.application.outcome import PersistenceError
from outboxbench.core.strategies.raw_driver import RawDriver

if TYPE_CHECKING:
    from types import TracebackType


class GroupSession(RawDriver):
    """A context manager; closes the connection if what it would say next is unknown."""

    __slots__ = ()

    async def fetch(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return all rows.

        Raises:
            PersistenceError: what the driver raised, translated.
        """
        try:
            return [tuple(row) for row in await self._fetch_rows(statement, *parameters)]
        except Exception as error:
            raise self._translate(error) from error
        finally:
            self.awaited.looks = None

    async def execute(self, statement: str, *parameters: object) -> int:
        """Return how many rows were hit.

        Raises:
            PersistenceError: what the driver raised, translated.
        """
        try:
            return await self._execute(statement, *parameters)
        except Exception as error:
            raise self._translate(error) from error
        finally:
            self.awaited.looks = None

    async def __aenter__(self) -> Self:
        try:
            await self._acquire()
        except Exception as error:
            raise self._translate(error) from error
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        answered = isinstance(exc, PersistenceError) and exc.answered
        await self._release(discard=exc is not None and not answered)

    @abstractmethod
    def never_sent(self, error: PersistenceError) -> bool:
        """Tell whether the driver itself refused the parameters, and so sent nothing."""

    @abstractmethod
    async def _acquire(self) -> None:
        """Take a connection from the pool, and note what it awaits in `awaited`."""

    @abstractmethod
    async def _release(self, *, discard: bool) -> None:
        """Give the connection back, or close it."""

    @abstractmethod
    def _translate(self, error: Exception) -> PersistenceError:
        """Say what the driver's exception means."""
