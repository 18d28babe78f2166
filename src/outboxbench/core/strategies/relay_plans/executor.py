"""What the relay plans need of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Row(Protocol):
    """The values of a row, in the order of the columns."""

    def __getitem__(self, index: int, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


class SqlExecutor(Protocol):
    """Runs single statements, each as a transaction of its own."""

    async def fetch(self, statement: str, *parameters: object) -> Iterable[Row]:
        """Run a statement, whose parameters are `$1`, `$2`, …, and return its rows.

        Every parameter stands in a cast, so that a library need not guess its type.

        Raises:
            PersistenceError: what the library raised, translated.
        """
        ...
