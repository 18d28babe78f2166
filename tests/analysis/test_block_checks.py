"""Each check over a block fails for its own fault, and for no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.analysis.checks import judge_block
from outboxbench.analysis.verdict import combine
from outboxbench.results.deliveries import Chain, Deliveries, Place, Relayed
from outboxbench.results.final_state import ClientTally, FinalState

if TYPE_CHECKING:
    from outboxbench.results.block import Check

SUCCEEDED = "operations succeeded"
OPERATIONS = "every ok operation is stored, and no other"
MESSAGES = "every operation stored all its messages"
VERSIONS = "versions are contiguous and one-to-one with messages"
LINES = "order lines are as their messages tell"
MONEY = "money is conserved"

TOPICS = {"charge": ("account.charged",), "place": ("order.placed", "order.stock_requested")}
BEFORE = FinalState(
    operations=20,
    messages_by_topic={"account.opened": 10, "account.deposited": 10},
    balance_cents=100_000,
    order_lines_off_messages=0,
    accounts_off_balance=0,
    aggregates_with_gaps=0,
    orphaned_messages=0,
    operations_with_gaps=0,
)
AFTER = replace(
    BEFORE,
    operations=20 + 7 + 3,
    messages_by_topic={
        **BEFORE.messages_by_topic,
        "account.charged": 7,
        "order.placed": 3,
        "order.stock_requested": 3,
    },
    balance_cents=100_000 - 700,
)
TALLY = ClientTally({"charge": {"ok": 7, "failed": 2}, "place": {"ok": 3}}, TOPICS, 700)

# Two orders were placed, and a relay has charged for both and confirmed them.
PLACED = ClientTally({"place": {"ok": 2}}, TOPICS, 0)
FOLLOWED = replace(
    BEFORE,
    operations=20 + 2 + 4,
    messages_by_topic={
        **BEFORE.messages_by_topic,
        "order.placed": 2,
        "order.stock_requested": 2,
        "account.charged": 2,
        "order.confirmed": 2,
    },
    balance_cents=100_000 - 500,
)
DUE = {(UUID(int=number), 1): Place(UUID(int=number), 1, 1) for number in (1, 2)}
RELAYED = Relayed(
    handled=4,
    to_broker=Deliveries(DUE, list(DUE)),
    chain=Chain(placed=2, unanswered=0, charged_twice=0, open=0, closed_wrongly=0),
)

counts = st.integers(min_value=0, max_value=1000)


def failed(checks: tuple[Check, ...]) -> set[str]:
    return {check.name for check in checks if check.verdict == "fail"}


def detail(checks: tuple[Check, ...], name: str) -> str:
    return next(check.detail for check in checks if check.name == name)


def with_messages(state: FinalState, **changes: int) -> FinalState:
    messages = dict(state.messages_by_topic)
    for topic, change in changes.items():
        name = topic.replace("_", ".", 1)
        messages[name] = messages.get(name, 0) + change
    return replace(state, messages_by_topic=messages)


def test_a_block_whose_database_holds_what_its_clients_counted_passes() -> None:
    checks = judge_block(TALLY, BEFORE, AFTER)

    names = [check.name for check in checks]
    assert names == [SUCCEEDED, OPERATIONS, MESSAGES, VERSIONS, LINES, MONEY]
    assert {check.verdict for check in checks} == {"pass"}


def test_a_lost_operation_fails() -> None:
    lost = replace(with_messages(AFTER, account_charged=-1), operations=AFTER.operations - 1)
    lost = replace(lost, balance_cents=AFTER.balance_cents + 100)

    checks = judge_block(TALLY, BEFORE, lost)

    assert failed(checks) == {OPERATIONS, MESSAGES, MONEY}
    assert detail(checks, OPERATIONS).startswith("10 ok and 0 indeterminate")


def test_an_operation_that_nobody_asked_for_fails() -> None:
    invented = replace(with_messages(AFTER, account_charged=1), operations=AFTER.operations + 1)

    assert failed(judge_block(TALLY, BEFORE, invented)) == {OPERATIONS, MESSAGES}


def test_an_effect_of_a_failed_operation_fails() -> None:
    tally = replace(TALLY, outcomes={"charge": {"ok": 6, "failed": 3}, "place": {"ok": 3}})

    assert failed(judge_block(tally, BEFORE, AFTER)) == {OPERATIONS, MESSAGES}


def test_a_second_message_that_is_missing_fails_though_every_operation_is_stored() -> None:
    checks = judge_block(TALLY, BEFORE, with_messages(AFTER, order_stock_requested=-1))

    assert failed(checks) == {MESSAGES}
    assert detail(checks, MESSAGES) == "2 order.stock_requested stored, 3 to 3 due"


def test_a_message_of_a_topic_that_no_command_leaves_fails() -> None:
    checks = judge_block(TALLY, BEFORE, with_messages(AFTER, account_charge_rejected=1))

    assert failed(checks) == {MESSAGES}
    assert detail(checks, MESSAGES) == "1 account.charge_rejected stored, 0 to 0 due"


def test_a_message_that_was_there_before_and_is_gone_fails() -> None:
    checks = judge_block(TALLY, BEFORE, with_messages(AFTER, account_opened=-1))

    assert failed(checks) == {MESSAGES}


@pytest.mark.parametrize(
    "fault", ["aggregates_with_gaps", "orphaned_messages", "operations_with_gaps"]
)
def test_a_broken_history_fails(fault: str) -> None:
    found: dict[str, Any] = {fault: 3}

    checks = judge_block(TALLY, BEFORE, replace(AFTER, **found))

    assert failed(checks) == {VERSIONS}
    assert detail(checks, VERSIONS).startswith("3 ")


def test_a_line_that_is_not_as_its_messages_tell_fails() -> None:
    checks = judge_block(TALLY, BEFORE, replace(AFTER, order_lines_off_messages=2))

    assert failed(checks) == {LINES}
    assert detail(checks, LINES) == "2 lines differ"


@pytest.mark.parametrize("cents", [-1, 1])
def test_money_that_the_clients_did_not_move_fails(cents: int) -> None:
    moved = replace(AFTER, balance_cents=AFTER.balance_cents + cents)

    assert failed(judge_block(TALLY, BEFORE, moved)) == {MONEY}


def test_a_balance_that_its_messages_do_not_explain_fails() -> None:
    checks = judge_block(TALLY, BEFORE, replace(AFTER, accounts_off_balance=2))

    assert failed(checks) == {MONEY}
    assert "2 accounts differ" in detail(checks, MONEY)


def test_where_the_client_cannot_tell_its_charges_the_messages_alone_decide() -> None:
    tally = replace(TALLY, charged_cents=None)

    assert failed(judge_block(tally, BEFORE, replace(AFTER, balance_cents=1))) == set()
    assert failed(judge_block(tally, BEFORE, replace(AFTER, accounts_off_balance=1))) == {MONEY}


@pytest.mark.parametrize("outcomes", [{}, {"charge": {"failed": 5}}, {"charge": {"ok": 0}}])
def test_a_block_without_a_success_is_unknown(outcomes: dict[str, dict[str, int]]) -> None:
    checks = judge_block(ClientTally(outcomes, TOPICS, 0), BEFORE, BEFORE)

    assert combine(check.verdict for check in checks) == "unknown"


def test_an_operation_that_was_recovered_counts_as_done() -> None:
    outcomes = {"charge": {"ok": 5, "ok_recovered": 2}, "place": {"ok": 3}}

    assert failed(judge_block(replace(TALLY, outcomes=outcomes), BEFORE, AFTER)) == set()


@given(ok=counts, indeterminate=counts, stored=counts)
def test_an_indeterminate_operation_may_be_stored_or_not(
    ok: int, indeterminate: int, stored: int
) -> None:
    tally = ClientTally(
        {"charge": {"ok": ok, "indeterminate": indeterminate}}, TOPICS, charged_cents=100 * ok
    )
    after = replace(
        BEFORE,
        operations=BEFORE.operations + stored,
        messages_by_topic={**BEFORE.messages_by_topic, "account.charged": stored},
        balance_cents=BEFORE.balance_cents - 100 * stored,
    )

    possible = ok <= stored <= ok + indeterminate

    checks = judge_block(tally, BEFORE, after)
    assert (OPERATIONS not in failed(checks)) is possible
    assert (MESSAGES not in failed(checks)) is possible
    assert (MONEY not in failed(checks)) is (stored == ok or (indeterminate > 0 and stored > ok))


@given(charges=counts, orders=counts, amounts=st.integers(min_value=1, max_value=10_000))
def test_every_sound_block_passes(charges: int, orders: int, amounts: int) -> None:
    tally = ClientTally(
        {"charge": {"ok": charges}, "place": {"ok": orders}}, TOPICS, charges * amounts
    )
    after = replace(
        BEFORE,
        operations=BEFORE.operations + charges + orders,
        messages_by_topic={
            **BEFORE.messages_by_topic,
            "account.charged": charges,
            "order.placed": orders,
            "order.stock_requested": orders,
        },
        balance_cents=BEFORE.balance_cents - charges * amounts,
    )

    verdict = combine(check.verdict for check in judge_block(tally, BEFORE, after))

    assert verdict == ("pass" if charges + orders else "unknown")


def test_what_relays_made_of_operations_is_not_taken_for_the_clients() -> None:
    assert {check.verdict for check in judge_block(PLACED, BEFORE, FOLLOWED, RELAYED)} == {"pass"}
    assert failed(judge_block(PLACED, BEFORE, FOLLOWED)) == {OPERATIONS, MESSAGES, MONEY}


def test_what_a_client_lost_is_found_beside_relays() -> None:
    lost = replace(with_messages(FOLLOWED, order_placed=-1), operations=FOLLOWED.operations - 1)

    assert failed(judge_block(PLACED, BEFORE, lost, RELAYED)) == {OPERATIONS, MESSAGES}


def test_what_relays_lost_fails_the_block() -> None:
    chain = replace(RELAYED.chain, unanswered=1)
    lost = replace(RELAYED, to_broker=Deliveries(DUE, [*DUE][:1]), chain=chain)

    assert failed(judge_block(PLACED, BEFORE, FOLLOWED, lost)) == {
        "every committed message is delivered",
        "every order is charged for once and closed by the answer",
    }
