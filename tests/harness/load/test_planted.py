"""A slowdown that is planted takes the client's CPU in every attempt, and changes nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.memory.persistence import MemoryPersistence
from outboxbench.harness.load.planted import slowed

if TYPE_CHECKING:
    from outboxbench.core.application.ports import UnitOfWork

ATTEMPTS = 300
BUSY_WAIT_US = 200.0


class Idle:
    """A persistence that does nothing, and notes what it was asked for."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.closed = 0
        self.unit = cast("UnitOfWork", object())

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        self.attempts.append(attempt)
        return self.unit

    async def close(self) -> None:
        self.closed += 1


async def test_every_attempt_takes_at_least_so_much_longer_and_does_its_work() -> None:
    memory = MemoryPersistence()
    bus = bootstrap(slowed(memory, busy_wait_us=300.0))
    account = uuid4()

    began_ns = time.perf_counter_ns()
    await bus.handle(OpenAccount(account_id=account), Attempt(uuid4()))
    for _ in range(20):
        await bus.handle(Deposit(account_id=account, amount_cents=5), Attempt(uuid4()))
    took_ns = time.perf_counter_ns() - began_ns

    assert took_ns >= 21 * 300_000
    assert len(memory.tables.messages) == 21


def test_the_time_is_the_clients_cpu() -> None:
    persistence = slowed(Idle(), BUSY_WAIT_US)
    attempts = [Attempt(uuid4()) for _ in range(ATTEMPTS)]

    before_ns = time.process_time_ns()
    for attempt in attempts:
        persistence.unit_of_work(attempt)
    used_ns = time.process_time_ns() - before_ns

    # Half, as a wait goes on while the process is kept from running.
    assert used_ns >= ATTEMPTS * BUSY_WAIT_US * 1000 / 2


async def test_all_else_is_passed_through() -> None:
    idle = Idle()
    persistence = slowed(idle, 1.0)
    attempt = Attempt(uuid4())

    unit = persistence.unit_of_work(attempt)

    assert unit is idle.unit
    assert idle.attempts == [attempt]
