"""A unit of work awaits an answer only while it awaits one: as long as its caller thinks, it is not
given up, and whoever gets its connection next is judged by requests of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args
from uuid import uuid4

import pytest

from outboxbench.core.application.answers import NOBODY
from outboxbench.core.application.outcome import Attempt, PersistenceError
from outboxbench.core.strategies.registry import load_strategy, strategy_names
from outboxbench.core.strategies.settings import Profile
from outboxbench.testing import PostgresArena
from outboxbench.testing.steps import new_account

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress

WATCHED = [name for name in strategy_names() if name != "memory" and "group" not in name]


@pytest.mark.parametrize("profile", get_args(Profile))
@pytest.mark.parametrize("name", WATCHED)
async def test_nothing_is_awaited_while_a_caller_has_the_unit_of_work(
    name: str, profile: Profile, database: DatabaseAddress
) -> None:
    async with PostgresArena(load_strategy(name), profile, database) as arena:
        persistence = await arena.open(pool_size=1)
        account = await new_account(persistence)
        unit: Any = persistence.unit_of_work(Attempt(uuid4()))
        async with unit:
            awaited = unit.awaited
            assert awaited is not NOBODY
            assert awaited.looks is None
            loaded = await unit.accounts.get(account.id)
            assert awaited.looks is None
            loaded.deposit(1)
            await unit.accounts.save(loaded)
            await unit.commit()
            assert awaited.looks is None
        assert awaited.looks is None

        unit = persistence.unit_of_work(Attempt(uuid4()))
        with pytest.raises(PersistenceError):
            async with unit:
                await unit.accounts.get(uuid4())
        assert unit.awaited is awaited, "one connection, one watch"
        assert awaited.looks is None

        await persistence.was_committed(uuid4())
        assert awaited.looks is None
