"""A server that refuses writes for a while, as with a full disk, leaves no connection spoilt."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.application.outcome import Attempt, PersistenceError
from outboxbench.core.strategies.registry import load_strategy, strategy_names
from outboxbench.harness.postgres.server import connect
from outboxbench.testing import PostgresArena
from outboxbench.testing.steps import new_account

if TYPE_CHECKING:
    from outboxbench.core.application.ports import Persistence
    from outboxbench.core.domain.payments import Account
    from outboxbench.core.strategies.settings import DatabaseAddress

# More often than a driver executes a statement before it prepares it.
REFUSALS = 12

REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION refuse()"""


async def _deposit(persistence: Persistence, account: Account) -> None:
    async with persistence.unit_of_work(Attempt(uuid4())) as unit:
        mine = await unit.accounts.get(account.id)
        mine.deposit(1)
        await unit.accounts.save(mine)
        await unit.commit()


@pytest.mark.parametrize("name", sorted(set(strategy_names()) - {"memory"}))
async def test_a_connection_works_again_once_writes_do(
    name: str, database: DatabaseAddress
) -> None:
    async with PostgresArena(load_strategy(name), "matched", database) as arena:
        persistence = await arena.open(pool_size=1)
        account = await new_account(persistence)
        with connect(arena.address) as connection:
            connection.execute(REFUSE.encode())
            for _ in range(REFUSALS):
                with pytest.raises(PersistenceError):
                    await _deposit(persistence, account)
            connection.execute("DROP TRIGGER refuse ON outbox")
        for _ in range(3):
            await _deposit(persistence, account)
