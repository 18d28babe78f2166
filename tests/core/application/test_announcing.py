"""Commits ring for relays once they are durable, however long a connection is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.application.announcing import RingingUnitsOfWork, announced
from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import (
    AggregateNotFound,
    Attempt,
    FailureKind,
    PersistenceError,
)
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.memory.persistence import MemoryPersistence

if TYPE_CHECKING:
    from outboxbench.core.application.doorbell import Doorbell

PATIENCE_S = 20.0


class Announced(MemoryPersistence):
    """Counts what it announces; the first few connections are lost with a ring in hand."""

    def __init__(self, losses: int = 0) -> None:
        super().__init__()
        self.heard = asyncio.Semaphore(0)
        self._losses = losses

    async def announce(self, bell: Doorbell) -> None:
        while True:
            await bell.wait()
            bell.silence()
            if self._losses:
                self._losses -= 1
                raise PersistenceError("the connection is gone", FailureKind.CONNECTION)
            self.heard.release()


async def test_a_commit_rings_once_it_is_done_and_what_fails_does_not() -> None:
    memory, rings = MemoryPersistence(), []
    bus = bootstrap(RingingUnitsOfWork(memory, lambda: rings.append(len(memory.aggregates))))
    with pytest.raises(AggregateNotFound):
        await bus.handle(Deposit(account_id=uuid4(), amount_cents=1), Attempt(uuid4()))
    assert rings == []
    await bus.handle(OpenAccount(account_id=uuid4()), Attempt(uuid4()))
    assert rings == [1]


async def test_a_commit_is_announced() -> None:
    persistence = Announced()
    async with asyncio.timeout(PATIENCE_S), announced(persistence) as units:
        await bootstrap(units).handle(OpenAccount(account_id=uuid4()), Attempt(uuid4()))
        await persistence.heard.acquire()


async def test_a_ring_that_a_lost_connection_had_in_hand_is_announced_by_the_next() -> None:
    persistence, told = Announced(losses=2), list[str]()
    async with (
        asyncio.timeout(PATIENCE_S),
        announced(persistence, observe=told.append) as units,
    ):
        await bootstrap(units).handle(OpenAccount(account_id=uuid4()), Attempt(uuid4()))
        await persistence.heard.acquire()
    assert len(told) == 2
    assert "not announced for a while: the connection is gone" in told[0]


async def test_nothing_is_left_running() -> None:
    before = asyncio.all_tasks()
    async with announced(Announced()):
        pass
    assert asyncio.all_tasks() == before
