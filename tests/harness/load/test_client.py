"""A client of a closed loop asks until its window closes, and accounts for its own time."""

from __future__ import annotations

import asyncio
from time import monotonic_ns
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.application.retry import RetryPolicy
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.memory.persistence import MemoryPersistence
from outboxbench.harness.load.client import run_closed_loop
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.dataset import OPENING_BALANCE_CENTS, Dataset, account_id
from outboxbench.harness.load.job import Window
from outboxbench.harness.load.recorder import Recorder

if TYPE_CHECKING:
    from outboxbench.core.application.message_bus import MessageBus

ACCOUNT = account_id(1)
POLICY = RetryPolicy(10)


@pytest.fixture
async def bus() -> MessageBus:
    bus = bootstrap(MemoryPersistence())
    await bus.handle(OpenAccount(account_id=ACCOUNT), Attempt(uuid4()))
    deposit = Deposit(account_id=ACCOUNT, amount_cents=OPENING_BALANCE_CENTS)
    await bus.handle(deposit, Attempt(uuid4()))
    return bus


def mix(client: int) -> CommandMix:
    return CommandMix("charge", Dataset(accounts=1, orders=1), f"1/{client}")


async def test_a_client_works_until_the_window_closes(bus: MessageBus) -> None:
    opens_ns = monotonic_ns()
    closes_ns = opens_ns + 50_000_000
    recorder = Recorder(Window.of(opens_ns, opens_ns, closes_ns))

    await run_closed_loop(bus, mix(0), POLICY, recorder, closes_ns)

    ended_ns = monotonic_ns()
    done = recorder.outcomes["ok"]["charge"]
    assert recorder.window_outcomes["ok"] in (done, done - 1)
    assert done > 1
    assert ended_ns >= closes_ns
    assert 0 < recorder.idle_ns < recorder.running_ns <= ended_ns - opens_ns


async def test_the_time_of_clients_adds_up(bus: MessageBus) -> None:
    opens_ns = monotonic_ns()
    closes_ns = opens_ns + 30_000_000
    recorder = Recorder(Window.of(opens_ns, opens_ns, closes_ns))

    async with asyncio.TaskGroup() as clients:
        for number in range(3):
            clients.create_task(run_closed_loop(bus, mix(number), POLICY, recorder, closes_ns))

    assert recorder.running_ns <= 3 * (monotonic_ns() - opens_ns)


async def test_a_client_that_comes_too_late_asks_nothing(bus: MessageBus) -> None:
    closes_ns = monotonic_ns()
    recorder = Recorder(Window.of(0, closes_ns - 1, closes_ns))

    await run_closed_loop(bus, mix(0), POLICY, recorder, closes_ns)

    assert recorder.outcomes == {"ok": {}}
    assert recorder.running_ns == 0
