"""A slowdown that is planted takes the client's CPU in every attempt, and changes nothing else."""

from __future__ import annotations

import time
from uuid import uuid4

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.memory.persistence import MemoryPersistence
from outboxbench.harness.load.planted import slowed


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
    assert len(memory.outbox) == 21
