"""A strategy is back as soon as its server is: counted in attempts, not in time.

Of the profile `matched` alone: what a library does by default is what `idiomatic` is there to show.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.application.outcome import Attempt, FailureKind, PersistenceError
from outboxbench.core.domain.payments import Deposit
from outboxbench.testing.link import Link
from outboxbench.testing.steps import handle, new_account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.core.application.ports import Persistence
    from outboxbench.core.domain.payments import Account
    from outboxbench.testing.postgres_arena import PostgresArena

POOL_SIZE = 4
CLIENTS = 3
PAUSE_S = 0.001
SHORT_TIMEOUT_S = 0.3

# With delays of 1, 2, 4, … s for each connection a pool comes nowhere near it within our patience.
TRIES_DURING_AN_OUTAGE = 60

only_matched = pytest.mark.parametrize("profile", ["matched"])


class Recovery:
    """Whatever befell its connections, a strategy goes on."""

    @only_matched
    async def test_connections_that_were_reset_together_cost_one_attempt(
        self, arena: PostgresArena
    ) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(pool_size=POOL_SIZE, address=link.address)
        account = await new_account(persistence)
        sessions = await arena.backends()
        link.cut()
        await arena.gone(*sessions)
        assert await _failures_of(persistence, account, 2 * POOL_SIZE) <= 1

    @only_matched
    async def test_connections_that_were_ended_together_cost_one_attempt(
        self, arena: PostgresArena
    ) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(pool_size=POOL_SIZE, address=link.address)
        account = await new_account(persistence)
        sessions = await arena.backends()
        await arena.terminate(*sessions)

        # A session is off the server's books before its socket is closed.
        async def are_closed() -> bool:
            return link.closed >= len(sessions)

        await arena.until("the end of every connection", are_closed)
        assert await _failures_of(persistence, account, 2 * POOL_SIZE) <= 1

    @only_matched
    async def test_an_outage_makes_nobody_wait_longer_than_it_lasts(
        self, arena: PostgresArena
    ) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(pool_size=POOL_SIZE, address=link.address)
        account = await new_account(persistence)
        async with _clients(persistence, account):
            link.take_down()

            async def was_tried_often() -> bool:
                return link.refused >= TRIES_DURING_AN_OUTAGE

            await arena.until("a strategy that keeps trying to connect", was_tried_often)
            link.bring_up()
            async with arena.patience("an operation after the outage"):
                assert await _failures_of(persistence, account, 2 * POOL_SIZE) <= 1

    @only_matched
    async def test_who_comes_in_an_outage_is_told_and_does_not_wait_for_its_end(
        self, arena: PostgresArena
    ) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(pool_size=POOL_SIZE, address=link.address)
        account = await new_account(persistence)
        link.take_down()
        # A connection may be waited for as long as our patience lasts, here by one after another.
        async with arena.patience("a failure of each operation"):
            for _ in range(2):
                failures = await asyncio.gather(
                    *(_failures_of(persistence, account, 1) for _ in range(2 * POOL_SIZE))
                )
                assert all(failures)

    @only_matched
    async def test_after_an_outage_a_pool_is_as_large_as_before_and_no_larger(
        self, arena: PostgresArena
    ) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(pool_size=POOL_SIZE, address=link.address)
        account = await new_account(persistence)
        size = len(await arena.backends())
        async with _clients(persistence, account):
            link.take_down()

            async def was_tried() -> bool:
                return link.refused >= 3 * POOL_SIZE

            await arena.until("a strategy that tries to connect", was_tried)
            link.bring_up()

            async def is_whole() -> bool:
                await asyncio.gather(
                    *(_failures_of(persistence, account, 1) for _ in range(POOL_SIZE))
                )
                return len(await arena.backends()) >= size

            await arena.until("a pool as large as it was", is_whole)
        assert len(await arena.backends()) <= size

    @only_matched
    async def test_connections_that_nothing_passes_any_more_are_given_up(
        self, arena: PostgresArena
    ) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(
            pool_size=POOL_SIZE,
            statement_timeout_s=SHORT_TIMEOUT_S,
            address=link.address,
        )
        account = await new_account(persistence)
        link.forget()
        async with arena.patience("the end of all waiting for what never comes"):
            # Each connection is found out by whoever uses it.
            for _ in range(POOL_SIZE + 1):
                failures = await asyncio.gather(
                    *(_failures_of(persistence, account, 1) for _ in range(POOL_SIZE))
                )
                if not any(failures):
                    break
        assert not any(failures)

    @only_matched
    async def test_a_transaction_whose_client_was_lost_keeps_no_locks_from_its_next_attempt(
        self, arena: PostgresArena
    ) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(
            pool_size=1,
            statement_timeout_s=SHORT_TIMEOUT_S,
            address=link.address,
        )
        account = await new_account(persistence)
        link.forget_at(b"COMMIT")
        async with arena.patience("the end of a commit that is never answered"):
            # A plan that says no COMMIT is never without an answer between its lock and its end.
            with contextlib.suppress(PersistenceError):
                await handle(persistence, Deposit(account_id=account.id, amount_cents=1))
        await handle(persistence, Deposit(account_id=account.id, amount_cents=1))

    @only_matched
    async def test_closing_waits_for_no_answer_that_never_comes(self, arena: PostgresArena) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(
            pool_size=POOL_SIZE,
            statement_timeout_s=SHORT_TIMEOUT_S,
            address=link.address,
        )
        await new_account(persistence)
        link.forget()
        async with arena.patience("the end of a strategy that nothing passes to any more"):
            await persistence.close()

    @only_matched
    async def test_a_look_up_that_is_never_answered_is_given_up(self, arena: PostgresArena) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(
            pool_size=1,
            statement_timeout_s=SHORT_TIMEOUT_S,
            address=link.address,
        )
        await new_account(persistence)
        link.forget()
        async with arena.patience("the end of a look-up"):
            with pytest.raises(PersistenceError):
                await persistence.was_committed(uuid4())
            assert not await persistence.was_committed(uuid4())


@asynccontextmanager
async def _clients(persistence: Persistence, account: Account) -> AsyncIterator[None]:
    """Have some try again and again, as those of a service do, and never mind a failure."""

    over = asyncio.Event()

    async def keep_trying() -> None:
        while not over.is_set():
            await _failures_of(persistence, account, 1)
            await asyncio.sleep(PAUSE_S)

    # Nobody is cancelled, which would cost connections, unless the test has failed.
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(keep_trying())
        yield
        over.set()


async def _failures_of(persistence: Persistence, account: Account, attempts: int) -> int:
    """Read an account again and again, and return how often the connection was lost."""
    failures = 0
    for _ in range(attempts):
        try:
            async with persistence.unit_of_work(Attempt(uuid4())) as unit:
                await unit.accounts.get(account.id)
        except PersistenceError as error:
            if error.kind not in (FailureKind.CONNECTION, FailureKind.TIMEOUT):
                raise
            failures += 1
    return failures
