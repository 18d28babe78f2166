"""Over SQLAlchemy, a connection that nothing passes any more is dropped and not seen off."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest

from outboxbench.core.application.outcome import Attempt, PersistenceError
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.testing import PostgresArena
from outboxbench.testing.link import Link
from outboxbench.testing.steps import new_account

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress


@pytest.mark.parametrize("name", ["core-asyncpg", "orm-asyncpg"])
async def test_nobody_waits_for_the_end_of_a_connection_that_was_given_up(
    name: str, database: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_over: list[bool] = []
    close = asyncpg.Connection.close

    async def watched(connection: asyncpg.Connection, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        was_over.append(connection.is_closed())
        await close(connection, timeout=timeout)

    async with PostgresArena(load_strategy(name), "matched", database) as arena:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(pool_size=1, statement_timeout_s=0.1, address=link.address)
        account = await new_account(persistence)
        link.forget()
        monkeypatch.setattr(asyncpg.Connection, "close", watched)
        with pytest.raises(PersistenceError):
            async with persistence.unit_of_work(Attempt(uuid4())) as unit:
                await unit.accounts.get(account.id)
        monkeypatch.undo()

    assert was_over == [True]
