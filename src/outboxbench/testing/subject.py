"""What can be measured: it brings a database, and an operation to run on it again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from outboxbench.core.application.outcome import Outcome
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.results.block import Check


class Ended(NamedTuple):
    """What became of an operation; `error` is what it raised."""

    outcome: Outcome
    error: Exception | None = None


Operation = Callable[[], Awaitable[Ended]]


class Subject(Protocol):
    """A transaction of a user's, or a strategy."""

    name: str

    def database(self) -> AbstractContextManager[DatabaseAddress]:
        """Give a fresh database, dropped afterwards."""
        ...

    def opened(self, address: DatabaseAddress) -> AbstractAsyncContextManager[Operation]:
        """Open a connection or a pool on that database, and give the operation."""
        ...

    def checks(self, address: DatabaseAddress) -> tuple[Check, ...]:
        """Judge what the operations left in the database, once all is closed."""
        ...
