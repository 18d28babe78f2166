"""An operation is tried again only where that can help and cannot harm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from outboxbench.core.application.backoff import Backoff
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
from outboxbench.core.application.retry import (
    OUTAGES,
    RETRIABLE,
    OperationResult,
    RetryPolicy,
    run_operation,
)
from outboxbench.core.application.retry_budget import RetryBudget
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


GO_ON = replace(POLICY, retried=RETRIABLE | OUTAGES, in_doubt="go_on")
BLIND = replace(GO_ON, in_doubt="repeat")
NO_ANSWER = PersistenceError("no answer", FailureKind.CONNECTION)


class Unanswered:
    """Handles deposits; the answers to the first so many commits are lost."""

    def __init__(self, memory: MemoryPersistence, *, lost: int, commits: bool) -> None:
        self.lookups = 0
        self.is_reachable = True
        self._memory = memory
        self._lost = lost
        self._commits = commits

    @property
    def bus(self) -> MessageBus:
        return MessageBus(self._unit_of_work, {Deposit: self._handle}, {})

    def _unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        self._attempt = attempt
        return self._memory.unit_of_work(attempt)

    async def _handle(self, command: Deposit, unit: Any) -> None:
        if self._lost:
            self._lost -= 1
            if self._commits:
                await COMMAND_HANDLERS[Deposit](command, unit)
            self._attempt.stage = Stage.COMMIT_SENT
            raise NO_ANSWER
        await COMMAND_HANDLERS[Deposit](command, unit)

    async def was_committed(self, op_id: UUID) -> bool:
        self.lookups += 1
        if not self.is_reachable:
            raise NO_ANSWER
        return await self._memory.was_committed(op_id)


def balance_cents(memory: MemoryPersistence, account: Account) -> int:
    stored = memory.aggregates["account", account.id]
    assert isinstance(stored, Account)
    return stored.balance_cents - account.balance_cents


async def deposit_one(
    unanswered: Unanswered, account: Account, policy: RetryPolicy
) -> OperationResult:
    return await run_operation(
        unanswered.bus,
        Deposit(account_id=account.id, amount_cents=1),
        uuid4(),
        policy,
        was_committed=unanswered.was_committed,
    )


@pytest.mark.parametrize("kind", sorted(OUTAGES))
async def test_an_outage_is_tried_again_where_the_policy_says_so(
    memory: MemoryPersistence, account: Account, kind: FailureKind
) -> None:
    stumbling = Stumbling(memory, _failure(kind), _failure(kind))
    assert await _run(stumbling, account, policy=GO_ON) == OperationResult(Outcome.OK, attempts=3)


async def test_a_commit_whose_answer_was_lost_is_found_and_not_repeated(
    memory: MemoryPersistence, account: Account
) -> None:
    unanswered = Unanswered(memory, lost=1, commits=True)
    result = await deposit_one(unanswered, account, GO_ON)
    assert result == OperationResult(Outcome.OK_RECOVERED, 1, FailureKind.CONNECTION)
    assert balance_cents(memory, account) == 1


async def test_a_commit_that_never_arrived_is_tried_again_under_the_same_op_id(
    memory: MemoryPersistence, account: Account
) -> None:
    unanswered = Unanswered(memory, lost=1, commits=False)
    result = await deposit_one(unanswered, account, GO_ON)
    assert result == OperationResult(Outcome.OK, attempts=2)
    assert (balance_cents(memory, account), unanswered.lookups) == (1, 1)


async def test_what_refuses_a_further_attempt_may_be_the_first_ones_own_doing(
    memory: MemoryPersistence, account: Account
) -> None:
    class LateLookup(Unanswered):
        async def was_committed(self, op_id: UUID) -> bool:
            # Nobody answers the first lookup; the second attempt is refused as a repetition.
            self.is_reachable = self.lookups > 0
            return await super().was_committed(op_id)

    late = LateLookup(memory, lost=1, commits=True)
    result = await deposit_one(late, account, GO_ON)
    assert result == OperationResult(Outcome.OK_RECOVERED, 2, FailureKind.DUPLICATE_OPERATION)
    assert (balance_cents(memory, account), late.lookups) == (1, 2)


@pytest.mark.parametrize("commits", [True, False])
async def test_what_was_ever_in_doubt_and_is_not_found_stays_indeterminate(
    memory: MemoryPersistence,
    account: Account,
    commits: bool,
) -> None:
    unanswered = Unanswered(memory, lost=POLICY.max_attempts, commits=commits)
    unanswered.is_reachable = False
    result = await deposit_one(unanswered, account, GO_ON)
    assert result.outcome is Outcome.INDETERMINATE
    assert balance_cents(memory, account) == int(commits)


async def test_a_refusal_after_doubt_proves_nothing(
    memory: MemoryPersistence, account: Account
) -> None:
    stumbling = Stumbling(memory, NO_ANSWER).failing_at(Stage.COMMIT_SENT)
    result = await _run(stumbling, account, amount_cents=-1, policy=GO_ON)
    assert result == OperationResult(Outcome.INDETERMINATE, 2, FailureKind.REFUSED)


async def test_a_blind_repetition_draws_a_new_op_id_and_applies_twice(
    memory: MemoryPersistence, account: Account
) -> None:
    unanswered = Unanswered(memory, lost=1, commits=True)
    result = await deposit_one(unanswered, account, BLIND)
    assert result == OperationResult(Outcome.OK, attempts=2)
    assert (balance_cents(memory, account), unanswered.lookups) == (2, 0)


async def test_retries_of_outages_are_paid_from_the_budget_and_conflicts_are_free(
    memory: MemoryPersistence, account: Account
) -> None:
    policy = replace(GO_ON, max_attempts=100, budget=RetryBudget(0.5, 2.0))
    outage = _failure(FailureKind.CONNECTION)
    result = await _run(Stumbling(memory, *[outage] * 9), account, policy=policy)
    assert result == OperationResult(Outcome.FAILED, 3, FailureKind.CONNECTION)
    conflicts = [_failure(FailureKind.DEADLOCK)] * 9
    result = await _run(Stumbling(memory, *conflicts), account, policy=policy)
    assert result == OperationResult(Outcome.OK, attempts=10)
    result = await _run(Stumbling(memory, outage), account, policy=policy)
    assert result == OperationResult(Outcome.OK, attempts=2)


async def test_it_waits_longer_before_each_attempt(
    memory: MemoryPersistence, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("outboxbench.core.application.retry.asyncio.sleep", sleep)
    policy = replace(GO_ON, max_attempts=5, backoff=Backoff(0.01, 0.05, jitter=0.0))
    stumbling = Stumbling(memory, *[_failure(FailureKind.CONNECTION)] * 9)
    await _run(stumbling, account, policy=policy)
    assert waits == [0.01, 0.02, 0.04, 0.05]


async def _run(
    stumbling: Stumbling, account: Account, amount_cents: int = 1, policy: RetryPolicy = POLICY
) -> OperationResult:
    command = Deposit(account_id=account.id, amount_cents=amount_cents)
    return await run_operation(stumbling.bus, command, uuid4(), policy)
