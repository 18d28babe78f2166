"""An operation is tried again only where that can help and cannot harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from outboxbench.core.application.handlers import COMMAND_HANDLERS
from outboxbench.core.application.message_bus import MessageBus
from outboxbench.core.application.outcome import (
    Attempt,
    FailureKind,
    Outcome,
    PersistenceError,
    Stage,
    VersionConflict,
)
from outboxbench.core.application.retry import OperationResult, RetryPolicy, run_operation
from outboxbench.core.domain.payments import Account, Deposit
from outboxbench.core.strategies.memory.persistence import MemoryPersistence
from outboxbench.testing.steps import deposit, new_account

if TYPE_CHECKING:
    from outboxbench.core.application.ports import UnitOfWork

POLICY = RetryPolicy(max_attempts=4)


class Stumbling:
    """Handles deposits, but fails at the first so many attempts."""

    def __init__(self, memory: MemoryPersistence, *failures: Exception) -> None:
        self.op_ids: list[UUID] = []
        self._memory = memory
        self._failures = list(failures)
        self._stage = Stage.WORK

    def failing_at(self, stage: Stage) -> Stumbling:
        self._stage = stage
        return self

    @property
    def bus(self) -> MessageBus:
        return MessageBus(self._unit_of_work, {Deposit: self._handle}, {})

    def _unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        self.op_ids.append(attempt.op_id)
        if self._failures:
            attempt.stage = self._stage
            raise self._failures.pop(0)
        return self._memory.unit_of_work(attempt)

    async def _handle(self, command: Deposit, unit: Any) -> None:
        await COMMAND_HANDLERS[Deposit](command, unit)


@pytest.fixture
def memory() -> MemoryPersistence:
    return MemoryPersistence()


@pytest.fixture
async def account(memory: MemoryPersistence) -> Account:
    return await new_account(memory)


def _failure(kind: FailureKind, *, answered: bool = True) -> PersistenceError:
    return PersistenceError(kind.value, kind, answered=answered)


async def test_what_succeeds_at_once_is_tried_once(
    memory: MemoryPersistence, account: Account
) -> None:
    result = await _run(Stumbling(memory), account)
    assert result == OperationResult(Outcome.OK, attempts=1)


@pytest.mark.parametrize(
    "kind",
    [FailureKind.VERSION_CONFLICT, FailureKind.SERIALISATION, FailureKind.DEADLOCK],
)
async def test_what_may_well_succeed_now_is_tried_again_and_counted(
    memory: MemoryPersistence, account: Account, kind: FailureKind
) -> None:
    stumbling = Stumbling(memory, _failure(kind), _failure(kind))
    assert await _run(stumbling, account) == OperationResult(Outcome.OK, attempts=3)


async def test_a_real_conflict_is_resolved_by_another_attempt(
    memory: MemoryPersistence, account: Account
) -> None:
    attempts = 0

    async def deposit_meanwhile(command: Deposit, unit: UnitOfWork) -> None:
        nonlocal attempts
        attempts += 1
        async with unit:
            read = await unit.accounts.get(command.account_id)
            if attempts == 1:
                await deposit(memory, account, Attempt(uuid4()), 50)
            read.deposit(command.amount_cents)
            await unit.accounts.save(read)
            await unit.commit()

    bus = MessageBus(memory.unit_of_work, {Deposit: deposit_meanwhile}, {})
    command = Deposit(account_id=account.id, amount_cents=7)
    result = await run_operation(bus, command, uuid4(), POLICY)
    assert result == OperationResult(Outcome.OK, attempts=2)
    stored = memory.aggregates["account", account.id]
    assert isinstance(stored, Account)
    assert stored.balance_cents == account.balance_cents + 57
    assert stored.version == account.version + 2


async def test_attempts_end_at_the_limit(memory: MemoryPersistence, account: Account) -> None:
    conflicts = [VersionConflict("account", account.id, 1) for _ in range(10)]
    stumbling = Stumbling(memory, *conflicts)
    result = await _run(stumbling, account)
    assert result == OperationResult(
        Outcome.FAILED, POLICY.max_attempts, FailureKind.VERSION_CONFLICT
    )
    assert len(stumbling.op_ids) == POLICY.max_attempts


async def test_all_attempts_carry_the_same_op_id(
    memory: MemoryPersistence, account: Account
) -> None:
    stumbling = Stumbling(memory, *(_failure(FailureKind.DEADLOCK) for _ in range(3)))
    await _run(stumbling, account)
    assert len(stumbling.op_ids) == 4
    assert len(set(stumbling.op_ids)) == 1


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.CONSTRAINT,
        FailureKind.DUPLICATE_OPERATION,
        FailureKind.NOT_FOUND,
        FailureKind.TIMEOUT,
        FailureKind.CONNECTION,
        FailureKind.OTHER,
    ],
)
async def test_what_would_fail_again_is_not_tried_again(
    memory: MemoryPersistence, account: Account, kind: FailureKind
) -> None:
    result = await _run(Stumbling(memory, _failure(kind)), account)
    assert result == OperationResult(Outcome.FAILED, attempts=1, failure=kind)


async def test_a_refusal_of_the_domain_is_not_tried_again(
    memory: MemoryPersistence, account: Account
) -> None:
    result = await _run(Stumbling(memory), account, amount_cents=-1)
    assert result == OperationResult(Outcome.FAILED, attempts=1, failure=FailureKind.REFUSED)


@pytest.mark.parametrize("kind", [FailureKind.CONNECTION, FailureKind.SERIALISATION])
async def test_an_indeterminate_attempt_ends_the_operation(
    memory: MemoryPersistence, account: Account, kind: FailureKind
) -> None:
    stumbling = Stumbling(memory, _failure(kind, answered=False)).failing_at(Stage.COMMIT_SENT)
    result = await _run(stumbling, account)
    assert result == OperationResult(Outcome.INDETERMINATE, attempts=1, failure=kind)


async def _run(stumbling: Stumbling, account: Account, amount_cents: int = 1) -> OperationResult:
    command = Deposit(account_id=account.id, amount_cents=amount_cents)
    return await run_operation(stumbling.bus, command, uuid4(), POLICY)
