"""Runs the statements of a relay through SQLAlchemy, as text: they are no query that its expression
language or its ORM would make clearer."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, bindparam, text

from outboxbench.core.strategies.sqlalchemy_watched import awaited_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import TextClause
    from sqlalchemy.ext.asyncio import AsyncEngine

    from outboxbench.core.application.outcome import PersistenceError
    from outboxbench.core.strategies.relay_plans.executor import Row

_PLACEHOLDER = re.compile(r"\$(\d+)")


class SqlAlchemyExecutor:
    """Each statement is a transaction of its own: the engine is used in AUTOCOMMIT mode."""

    def __init__(
        self, engine: AsyncEngine, translate: Callable[[Exception], PersistenceError]
    ) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._translate = translate

    async def fetch(self, statement: str, *parameters: object) -> Iterable[Row]:
        """Run a statement and return its rows."""
        integers = tuple(isinstance(value, int) for value in parameters)
        named = {f"p{number}": value for number, value in enumerate(parameters, start=1)}
        try:
            async with self._engine.connect() as connection:
                awaited = awaited_of(connection)
                awaited.looks = 0
                try:
                    result = await connection.execute(_as_text(statement, integers), named)
                finally:
                    awaited.looks = None
                return result.all() if result.returns_rows else []
        except Exception as error:
            raise self._translate(error) from error


@cache
def _as_text(statement: str, integers: tuple[bool, ...]) -> TextClause:
    # An integer without a type would be sent as one of four bytes, which a token may exceed.
    wide = [
        bindparam(f"p{number}", type_=BigInteger)
        for number, is_integer in enumerate(integers, start=1)
        if is_integer
    ]
    return text(_PLACEHOLDER.sub(r":p\1", statement)).bindparams(*wide)
