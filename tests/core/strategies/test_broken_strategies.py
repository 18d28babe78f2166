"""The contract finds what is wrong: for each rule a strategy that breaks it, and fails."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import pytest
from tests.core.strategies import broken

from outboxbench.core.application.outcome import PersistenceError
from outboxbench.core.strategies import asyncpg_connection
from outboxbench.core.strategies.asyncpg import ASYNCPG
from outboxbench.testing import PostgresArena, PostgresContract
from outboxbench_planted.blind_update import BlindUpdate
from outboxbench_planted.doubt_swallowed import DoubtSwallowed
from outboxbench_planted.dual_write import DualWrite
from outboxbench_planted.early_acknowledgement import EarlyAcknowledgement
from outboxbench_planted.miss_ignored import MissIgnored
from outboxbench_planted.outbox_elsewhere import OutboxElsewhere
from outboxbench_planted.pipeline_unread import PipelineUnread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outboxbench.core.application.ports import Persistence
    from outboxbench.core.strategies.settings import DatabaseAddress, StrategySettings

    ContractTest: TypeAlias = Callable[[PostgresContract, Any], Awaitable[None]]

pytest_plugins = ["outboxbench.testing.fixtures"]

# What has to time out to fail shall not take long.
PATIENCE_S = 2.0

Contract = PostgresContract


class Case(NamedTuple):
    """A rule, a strategy that breaks it, the test that notices, and what the test then says."""

    rule: str
    strategy: type[broken.BrokenUnit]
    contract_test: ContractTest
    complaint: str


TOGETHER = "state and messages commit together or not at all, through one connection"
ORDERED = "the version of a message is that of the row it was stored with"
ONCE = "a repeated operation cannot apply twice"
LEAVES_A_TRACE = "every committed command writes at least ordinal 0"
ONE_AGGREGATE = "one transaction changes one aggregate"
NO_LOST_UPDATE = "a version conflict is an error, never a silent lost update"
ONLY_IF_HIT = "messages are inserted only if the versioned update hit"
ROOT_RISES = "every change of a child raises the version of the root"
NEVER_TORN = "a torn read is never committed"
EVERYTHING = "everything raised in one unit of work is stored, however many saves"
CHILDREN = "children are saved when they change, are added or removed"
REFUSES = "commit refuses after an error that a caller swallowed"
ROLLBACK = "leaving without a commit undoes everything"
OUTCOME = "an outcome is claimed only on the server's word"
POOL = "no connection is lost, and none is kept that cannot be trusted"


async def no_connection_is_lost_by_failing_units_of_work(
    contract: PostgresContract, arena: PostgresArena
) -> None:
    await contract.test_no_connection_is_lost_by_any_number_of_failing_units_of_work(arena, 100)


CASES = [
    Case(
        TOGETHER,
        OutboxElsewhere,
        Contract.test_a_commit_that_fails_over_the_state_leaves_no_messages,
        "messages were stored without their state",
    ),
    Case(
        TOGETHER,
        DualWrite,
        Contract.test_a_commit_that_fails_over_the_messages_leaves_no_state,
        "the stored account is not as the domain has it",
    ),
    Case(
        TOGETHER,
        broken.NeverCommits,
        Contract.test_an_account_that_is_opened_is_stored,
        "the stored messages are not what the domain raised",
    ),
    Case(
        ORDERED,
        broken.StaleNumbers,
        Contract.test_messages_have_the_version_that_the_row_got,
        "a message has another version than the row",
    ),
    Case(
        ONCE,
        broken.FreshOpId,
        Contract.test_a_repeated_operation_is_refused_and_nothing_of_it_applied,
        "DID NOT RAISE",
    ),
    Case(
        LEAVES_A_TRACE,
        broken.AcceptsSilence,
        Contract.test_a_change_that_raised_nothing_is_refused,
        "DID NOT RAISE",
    ),
    Case(
        ONE_AGGREGATE,
        broken.LastOneWins,
        Contract.test_a_second_aggregate_in_one_unit_of_work_is_refused,
        "DID NOT RAISE",
    ),
    Case(
        NO_LOST_UPDATE,
        BlindUpdate,
        Contract.test_of_two_that_change_one_account_exactly_one_conflicts,
        "of two racers 2 committed",
    ),
    Case(
        NO_LOST_UPDATE,
        BlindUpdate,
        Contract.test_a_stale_account_is_never_committed,
        "DID NOT RAISE",
    ),
    Case(
        NO_LOST_UPDATE,
        broken.BlindSingle,
        Contract.test_of_two_that_change_one_account_exactly_one_conflicts,
        "of two racers 2 committed",
    ),
    Case(
        ONLY_IF_HIT,
        MissIgnored,
        Contract.test_a_change_of_an_account_that_is_not_stored_conflicts_and_stores_no_message,
        "DID NOT RAISE",
    ),
    Case(
        OUTCOME,
        PipelineUnread,
        Contract.test_a_repeated_operation_is_refused_and_nothing_of_it_applied,
        "DID NOT RAISE",
    ),
    Case(
        OUTCOME,
        EarlyAcknowledgement,
        Contract.test_a_backend_killed_while_committing_is_indeterminate,
        "DID NOT RAISE",
    ),
    Case(
        NO_LOST_UPDATE,
        broken.GroupThatTakesAllForStored,
        Contract.test_of_two_that_change_one_account_exactly_one_conflicts,
        "of two racers 2 committed",
    ),
    Case(
        ONLY_IF_HIT,
        broken.IgnoredMiss,
        Contract.test_a_change_of_an_account_that_is_not_stored_conflicts_and_stores_no_message,
        "DID NOT RAISE",
    ),
    Case(
        ROOT_RISES,
        broken.ChildrenAlone,
        Contract.test_a_change_of_nothing_but_a_line_raises_the_version_of_the_order,
        "the version of the root did not rise",
    ),
    Case(
        ROOT_RISES,
        broken.ChildrenAlone,
        Contract.test_lines_are_added_changed_and_removed_in_one_unit_of_work,
        "the stored order is not as the domain has it",
    ),
    Case(
        NEVER_TORN,
        broken.LinesBeforeRoot,
        Contract.test_a_change_between_reading_the_lines_and_their_order_is_never_overlooked,
        "the message speaks of lines that the order does not have",
    ),
    Case(
        NEVER_TORN,
        BlindUpdate,
        Contract.test_a_change_between_reading_the_order_and_its_lines_is_never_overlooked,
        "it undid another one's change",
    ),
    Case(
        EVERYTHING,
        broken.FirstSaveOnly,
        Contract.test_everything_raised_across_several_saves_is_stored_in_order,
        "not everything that was raised is stored",
    ),
    Case(
        CHILDREN,
        broken.NeverDeletes,
        Contract.test_a_line_that_is_removed_is_gone,
        "the stored order is not as the domain has it",
    ),
    Case(
        CHILDREN,
        broken.NeverUpdates,
        Contract.test_a_line_that_is_amended_is_stored,
        "the stored order is not as the domain has it",
    ),
    Case(
        CHILDREN,
        broken.LinesOfTheLastRead,
        Contract.test_an_order_is_stored_rightly_when_another_one_was_read_after_it,
        "order_lines_pkey",
    ),
    Case(
        REFUSES,
        broken.CommitsAfterAFailure,
        Contract.test_an_error_that_the_caller_swallowed_makes_commit_refuse,
        "DID NOT RAISE",
    ),
    Case(
        ROLLBACK,
        broken.CommitsWhenLeft,
        Contract.test_leaving_without_a_commit_stores_nothing,
        "StoredMessage",
    ),
    Case(
        ROLLBACK,
        broken.CommitsWhenLeft,
        Contract.test_an_error_of_the_handler_stores_nothing_and_is_raised_as_it_is,
        "StoredMessage",
    ),
    Case(
        OUTCOME,
        DoubtSwallowed,
        Contract.test_a_backend_killed_while_committing_is_indeterminate,
        "indeterminate",
    ),
    Case(
        POOL,
        broken.KeepsItsConnection,
        Contract.test_a_cancellation_while_committing_is_indeterminate_and_atomic,
        "never came: the end of a session",
    ),
    Case(
        POOL,
        broken.LeaksOnFailure,
        no_connection_is_lost_by_failing_units_of_work,
        "never came: a connection of the pool",
    ),
]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{case.strategy.__name__}: {case.contract_test.__name__}")
        for case in CASES
    ],
)
async def test_a_strategy_that_breaks_the_rule_fails_the_contract(
    case: Case, contract_database: DatabaseAddress
) -> None:
    strategy = broken.strategy_of(case.strategy)
    # A pool that lost a connection cannot be closed in time either.
    with contextlib.suppress(TimeoutError):
        async with PostgresArena(strategy, "matched", contract_database, PATIENCE_S) as arena:
            with pytest.raises((AssertionError, pytest.fail.Exception, PersistenceError)) as caught:
                await case.contract_test(PostgresContract(), arena)
    assert caught.match(case.complaint)


async def test_a_pool_that_is_not_filled_fails_the_contract(
    contract_database: DatabaseAddress,
) -> None:
    async def open_too_few(settings: StrategySettings) -> Persistence:
        return await ASYNCPG.open(replace(settings, pool_size=1))

    strategy = replace(ASYNCPG, open=open_too_few)
    async with PostgresArena(strategy, "matched", contract_database, PATIENCE_S) as arena:
        with pytest.raises(AssertionError):
            await Contract().test_every_connection_stands_once_the_strategy_is_open(arena)


async def test_one_that_knows_the_first_host_alone_fails_the_contract(
    contract_database: DatabaseAddress,
) -> None:
    async def open_at_the_first(settings: StrategySettings) -> Persistence:
        address = replace(settings.address, other_hosts=())
        return await ASYNCPG.open(replace(settings, address=address))

    strategy = replace(ASYNCPG, open=open_at_the_first)
    async with PostgresArena(strategy, "matched", contract_database, PATIENCE_S) as arena:
        with pytest.raises(ConnectionRefusedError):
            await Contract().test_of_several_hosts_the_one_that_takes_writes_is_found(2, arena)


async def test_one_that_takes_whichever_host_answers_fails_the_contract(
    contract_database: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncpg_connection, "TARGET_SESSION_ATTRS", "any")
    async with PostgresArena(ASYNCPG, "matched", contract_database, PATIENCE_S) as arena:
        with pytest.raises(PersistenceError, match="read-only transaction"):
            await Contract().test_of_several_hosts_the_one_that_takes_writes_is_found(2, arena)
