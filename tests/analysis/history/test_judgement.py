"""A sound history passes; each way to spoil it is convicted by its own check and by no other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.analysis.history.judgement import judge as judge_history
from outboxbench.analysis.verdict import as_expected, combine
from outboxbench.results.history import (
    AggregateLine,
    AttemptLine,
    DeliveryLine,
    FaultLine,
    Header,
    HistoryDamaged,
    InboxLine,
    MessageLine,
    RelayLine,
    following_op_id,
)
from outboxbench.results.loss import Loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.results.block import Check
    from outboxbench.results.history import HistoryLine

SUCCEEDED = "operations succeeded"
LOST = "no ok operation is lost"
TWICE = "no operation is applied twice"
UNDEAD = "no failed operation has an effect"
ALIEN = "every effect belongs to an attempt"
TORN = "the messages of an operation are all of one change"
OTHER = "every effect is what was asked for"
GAPS = "versions are contiguous and one-to-one with messages"
MONEY = "money is conserved"
EFFECT = "every fault took effect"
HEALED = "every fault was healed"
HELD = "what is lost is what former primaries still hold"
DELIVERED = "every committed message is delivered"
COMMITTED = "nothing is delivered that was not committed"
ORDERED = "messages of an aggregate are delivered in its order"
ONCE = "internal effects happen exactly once"
FENCED = "what is settled under a lease that has passed on is refused"

OF_OPERATIONS = (SUCCEEDED, LOST, TWICE, UNDEAD, ALIEN, TORN, OTHER)
OF_DELIVERIES = (DELIVERED, COMMITTED, ORDERED, ONCE)
ALL = (EFFECT, HEALED, *OF_OPERATIONS, GAPS, MONEY, *OF_DELIVERIES)

ACCOUNT, ORDER = "ac" * 16, "0d" * 16


def op_id(number: int) -> str:
    return f"{number:032x}"


@dataclass
class Shop:
    """A block that goes well: charges on an account, an order, and what follows from it."""

    attempts: list[AttemptLine] = field(default_factory=list)
    faults: list[FaultLine] = field(default_factory=list)
    messages: list[MessageLine] = field(default_factory=list)
    deliveries: list[DeliveryLine] = field(default_factory=list)
    inbox: list[InboxLine] = field(default_factory=list)
    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    cents: int = 1_000
    is_relayed: bool = True
    _operations: int = 0

    def attempt(self, outcome: str | None, number: int = 1, **changes: Any) -> AttemptLine:
        if number == 1:
            self._operations += 1
        line = AttemptLine(
            operation=self._operations,
            attempt=number,
            op_id=op_id(self._operations),
            command="charge",
            aggregate_id=ACCOUNT,
            cents=10,
            client=0,
            due_ns=0,
            began_ns=1,
            commit_sent_ns=2,
            ended_ns=None if outcome is None else 3,
            stage=3,
            outcome=outcome,
            final=outcome,
            failure=None,
        )._replace(**changes)
        self.attempts.append(line)
        return line

    def store(
        self,
        by: str,
        aggregate: tuple[str, str] = ("account", ACCOUNT),
        ordinal: int = 0,
        *,
        topic: str = "account.charged",
        audience: int = 2,
        cents: int | None = -10,
        is_older: bool = False,
    ) -> MessageLine:
        version = self.versions.get(aggregate, 0) + (ordinal == 0)
        self.versions[aggregate] = version
        line = MessageLine(by, ordinal, *aggregate, version, topic, audience, cents, is_older)
        self.messages.append(line)
        self.cents += cents or 0
        if audience and not is_older:
            self.deliveries.append(DeliveryLine(by, ordinal, aggregate[1], version, 9))
        return line

    def charge(self) -> str:
        by = self.attempt("ok").op_id
        self.store(by)
        return by

    def place(self) -> str:
        """Place an order, which its handler charges."""
        by = self.attempt("ok", command="place", aggregate_id=ORDER, cents=0).op_id
        self.store(by, ("order", ORDER), topic="order.placed", audience=1, cents=None)
        self.store(by, ("order", ORDER), 1, topic="order.stock_requested", cents=None)
        self.store(following_op_id(by, 0))
        self.inbox.append(InboxLine("charge", by, 0))
        return by

    def lines(self) -> list[HistoryLine]:
        return [
            Header({"is_relayed": self.is_relayed}),
            *self.attempts,
            *self.faults,
            *self.deliveries,
            *self.messages,
            *(
                AggregateLine(*key, version, self.cents if key[0] == "account" else None)
                for key, version in self.versions.items()
            ),
            *self.inbox,
        ]


def sound() -> Shop:
    shop = Shop()
    shop.store("ff" * 16, topic="account.deposited", cents=0, audience=0, is_older=True)
    shop.cents = 0
    shop.charge()
    shop.place()
    shop.attempt("failed")
    shop.attempt(None, began_ns=None, commit_sent_ns=None, final="skipped", stage=0)
    shop.attempt("indeterminate")
    shop.store(shop.attempt("indeterminate").op_id)
    shop.store(shop.attempt(None).op_id)
    shop.store(shop.attempt("indeterminate", final="ok_recovered").op_id)
    first = shop.attempt("indeterminate", final=None)
    shop.attempt("failed", 2, op_id=first.op_id, final="ok_recovered")
    shop.store(first.op_id)
    shop.faults.append(FaultLine(1, "reset", 5, 6, 7, {"connections": 4}))
    return shop


def judge(shop: Shop, lines_per_pass: int = 1_000) -> tuple[Check, ...]:
    return judge_history(shop.lines, lines_per_pass).checks


def convicted(shop: Shop, lines_per_pass: int = 1_000) -> set[str]:
    return {check.name for check in judge(shop, lines_per_pass) if check.verdict != "pass"}


@pytest.mark.parametrize("lines_per_pass", [1, 3, 1_000])
def test_a_sound_history_passes_in_however_many_parts_it_is_read(lines_per_pass: int) -> None:
    checks = judge(sound(), lines_per_pass)
    assert {check.name: check.verdict for check in checks} == dict.fromkeys(ALL, "pass")
    assert judge(sound()) == checks


def _lose(shop: Shop) -> None:
    lost = shop.charge()
    shop.messages = [each for each in shop.messages if each.op_id != lost]
    shop.deliveries = [each for each in shop.deliveries if each.op_id != lost]
    shop.versions["account", ACCOUNT] -= 1
    shop.cents += 10


def _lose_a_recovered_one(shop: Shop) -> None:
    shop.attempt("indeterminate", final="ok_recovered")


def _raise_the_dead(shop: Shop) -> None:
    shop.store(shop.attempt("failed").op_id)


def _raise_the_skipped(shop: Shop) -> None:
    shop.store(shop.attempt(None, began_ns=None, final="skipped").op_id)


def _repeat_blindly(shop: Shop) -> None:
    first = shop.attempt("indeterminate", final=None)
    shop.store(first.op_id)
    again = shop.attempt("ok", 2, op_id=op_id(9_999))
    shop.store(again.op_id)


def _repeat_what_nobody_remembers(shop: Shop) -> None:
    shop.store(shop.charge())


def _invent(shop: Shop) -> None:
    shop.store(op_id(8_888))


def _tear(shop: Shop) -> None:
    by = shop.attempt("ok").op_id
    shop.store(by)
    shop.store(by, ordinal=2, cents=None)


def _spread(shop: Shop) -> None:
    by = shop.attempt("ok").op_id
    shop.store(by)
    shop.versions["account", ACCOUNT] += 1
    shop.messages.append(shop.messages[-1]._replace(ordinal=1, version=99, cents=None, audience=0))
    shop.messages[-1] = shop.messages[-1]._replace(version=shop.versions["account", ACCOUNT])


def _charge_something_else(shop: Shop) -> None:
    shop.store(shop.attempt("ok").op_id, cents=-11)


def _charge_somebody_else(shop: Shop) -> None:
    shop.store(shop.attempt("ok", aggregate_id="ab" * 16).op_id)


def _skip_a_version(shop: Shop) -> None:
    shop.charge()
    shop.versions["account", ACCOUNT] += 1
    shop.charge()


def _change_without_a_message(shop: Shop) -> None:
    shop.versions["account", ACCOUNT] += 1


def _orphan(shop: Shop) -> None:
    shop.store(shop.attempt("ok", aggregate_id="ab" * 16).op_id, ("account", "ab" * 16))
    del shop.versions["account", "ab" * 16]
    shop.cents += 10


def _lose_money(shop: Shop) -> None:
    shop.cents -= 1


def _have_no_evidence(shop: Shop) -> None:
    shop.faults.append(FaultLine(2, "reset", 5, 6, 7, {}))


def _never_take_effect(shop: Shop) -> None:
    shop.faults.append(FaultLine(2, "reset", 5, None, 7, {"connections": 0}))


def _never_heal(shop: Shop) -> None:
    shop.faults.append(FaultLine(2, "reset", 5, 6, None, {"connections": 1}))


def _deliver_not(shop: Shop) -> None:
    shop.deliveries.pop()


def _deliver_what_is_not_there(shop: Shop) -> None:
    shop.deliveries.append(DeliveryLine(op_id(7_777), 0, ACCOUNT, 99, 9))


def _deliver_out_of_order(shop: Shop) -> None:
    shop.charge()
    shop.charge()
    shop.deliveries[-2:] = reversed(shop.deliveries[-2:])


def _have_no_effect(shop: Shop) -> None:
    by = shop.attempt("ok", command="place", aggregate_id="0e" * 16, cents=0).op_id
    shop.store(by, ("order", "0e" * 16), topic="order.placed", audience=1, cents=None)


def _forget_the_inbox(shop: Shop) -> None:
    shop.place()
    shop.inbox.pop()


SPOILT = {
    _lose: LOST,
    _lose_a_recovered_one: LOST,
    _raise_the_dead: UNDEAD,
    _raise_the_skipped: UNDEAD,
    _repeat_blindly: TWICE,
    _repeat_what_nobody_remembers: TWICE,
    _invent: ALIEN,
    _tear: TORN,
    _spread: TORN,
    _charge_something_else: OTHER,
    _charge_somebody_else: OTHER,
    _skip_a_version: GAPS,
    _change_without_a_message: GAPS,
    _orphan: GAPS,
    _lose_money: MONEY,
    _have_no_evidence: EFFECT,
    _never_take_effect: EFFECT,
    _never_heal: HEALED,
    _deliver_not: DELIVERED,
    _deliver_what_is_not_there: COMMITTED,
    _deliver_out_of_order: ORDERED,
    _have_no_effect: ONCE,
    _forget_the_inbox: ONCE,
}


@pytest.mark.parametrize(
    ("spoil", "check"),
    [pytest.param(*each, id=each[0].__name__.strip("_")) for each in SPOILT.items()],
)
@pytest.mark.parametrize("lines_per_pass", [2, 1_000])
def test_each_way_to_spoil_a_history_is_convicted_by_its_own_check(
    spoil: Callable[[Shop], None], check: str, lines_per_pass: int
) -> None:
    shop = sound()
    spoil(shop)
    assert convicted(shop, lines_per_pass) == {check}


def test_a_fault_without_evidence_is_unknown_and_not_failed() -> None:
    shop = sound()
    _have_no_evidence(shop)
    (check,) = (check for check in judge(shop) if check.name == EFFECT)
    assert (check.verdict, check.detail) == ("unknown", "no evidence of 2: reset")


def test_a_block_without_a_success_proves_nothing() -> None:
    shop = Shop(is_relayed=False)
    shop.attempt("failed")
    (check,) = (check for check in judge(shop) if check.verdict != "pass")
    assert (check.name, check.verdict) == (SUCCEEDED, "unknown")


def test_duplicates_are_allowed_and_counted() -> None:
    shop = sound()
    shop.deliveries += shop.deliveries[:3]
    assert convicted(shop) == set()
    (check,) = (check for check in judge(shop) if check.name == ORDERED)
    assert "beside 3 duplicates" in check.detail


def test_deliveries_are_judged_only_where_a_relay_was_at_work() -> None:
    shop = sound()
    shop.is_relayed = False
    shop.deliveries.clear()
    assert convicted(shop) == set()


def _stand_still(
    shop: Shop, *, delivered_ns: int, late: int, told: int = 2, plan: str = "lease"
) -> list[HistoryLine]:
    """Have a relay stand still with a message in hand; another delivers it at that moment."""
    held = shop.charge()
    evidence = {"messages_held": [f"{held}/0", f"{op_id(6_666)}/0"], "still_until_ns": 50}
    shop.faults.append(FaultLine(2, "relay-freeze", 18, 20, 51, evidence))
    shop.deliveries[-1] = shop.deliveries[-1]._replace(delivered_ns=delivered_ns)
    lines = shop.lines()
    lines[0] = Header({"is_relayed": True, "relay_plan": plan, "relays": 2})
    tallies = [RelayLine(relay, 5, 0, 0, late * (relay == 0), 0) for relay in range(told)]
    # As a history has them: what relays told comes before the deliveries.
    place = lines.index(shop.faults[-1])
    return [*lines[: place + 1], *tallies, *lines[place + 1 :]]


@pytest.mark.parametrize(
    ("delivered_ns", "late", "told", "verdict"),
    [
        (30, 1, 2, "pass"),
        (30, 0, 2, "fail"),
        (30, 0, 1, "unknown"),
        (20, 0, 2, "pass"),
        (50, 0, 2, "pass"),
    ],
    ids=[
        "overtaken and refused",
        "overtaken and not refused",
        "the one that stood still tells nothing",
        "delivered before it stood still",
        "delivered once it went on",
    ],
)
@pytest.mark.parametrize("lines_per_pass", [2, 1_000])
def test_a_relay_that_was_overtaken_while_it_stood_still_has_to_be_refused(
    delivered_ns: int, late: int, told: int, verdict: str, lines_per_pass: int
) -> None:
    lines = _stand_still(sound(), delivered_ns=delivered_ns, late=late, told=told)
    verdicts = {
        check.name: check.verdict for check in judge_history(lambda: lines, lines_per_pass).checks
    }
    assert verdicts == dict.fromkeys(ALL, "pass") | {FENCED: verdict}


def test_relays_whose_token_outlives_a_claim_need_not_be_refused() -> None:
    lines = _stand_still(sound(), delivered_ns=30, late=0, plan="sharded")
    assert FENCED not in {check.name for check in judge_history(lambda: lines).checks}


def _fail_over(shop: Shop, *, hold: bool = True, acknowledged: bool = True) -> str:
    """Lose the latest commit, which was delivered; its version is given out again."""
    lost = shop.attempt("ok" if acknowledged else "indeterminate").op_id
    version = shop.versions["account", ACCOUNT] + 1
    shop.deliveries.append(DeliveryLine(lost, 0, ACCOUNT, version + 1, 8))
    evidence = {"pids_gone": [7], "lost_op_ids": [lost] if hold else []}
    shop.faults.append(FaultLine(2, "failover-async", 5, 6, 7, evidence))
    shop.charge()
    return lost


@pytest.mark.parametrize("lines_per_pass", [2, 1_000])
def test_a_loss_is_found_exactly_and_spoils_no_other_check(lines_per_pass: int) -> None:
    shop = sound()
    lost = _fail_over(shop)
    judgement = judge_history(shop.lines, lines_per_pass)
    assert convicted(shop, lines_per_pass) == {LOST}
    assert judgement.loss == Loss(
        operations=1, op_ids=(lost,), left_behind=1, left_behind_acknowledged=1
    )
    (delivered,) = (check for check in judgement.checks if check.name == COMMITTED)
    assert "beside 1 of commits that a failover has undone" in delivered.detail


def test_what_was_left_behind_without_a_word_to_anybody_is_no_loss() -> None:
    shop = sound()
    _fail_over(shop, acknowledged=False)
    assert convicted(shop) == set()
    assert judge_history(shop.lines).loss == Loss(
        operations=0, left_behind=1, left_behind_acknowledged=0
    )


def test_a_loss_that_no_former_primary_knows_of_is_convicted() -> None:
    shop = sound()
    _fail_over(shop, hold=False)
    # Nor is it known then that what was delivered of it had been committed.
    assert convicted(shop) == {LOST, HELD, COMMITTED, ORDERED}


def test_what_a_former_primary_alone_knows_to_be_lost_is_convicted() -> None:
    shop = sound()
    kept = shop.charge()
    shop.faults.append(FaultLine(2, "failover-async", 5, 6, 7, {"lost_op_ids": [kept]}))
    shop.deliveries = [each for each in shop.deliveries if each.op_id != kept]
    assert HELD in convicted(shop)


def test_a_block_without_a_failover_has_nothing_left_behind() -> None:
    assert judge_history(sound().lines).loss == Loss()


def test_what_was_expected_is_told_by_the_history_and_counts_as_passed() -> None:
    shop = sound()
    _fail_over(shop)
    lines = [Header({"expected_findings": [LOST]}), *shop.lines()[1:]]
    judgement = judge_history(lambda: lines)
    assert judgement.expected_findings == (LOST,)
    assert combine(check.verdict for check in judgement.checks) == "fail"
    assert as_expected(judgement.checks, judgement.expected_findings) == "pass"
    assert as_expected(judgement.checks, (TWICE,)) == "fail"
    _have_no_evidence(shop)
    assert as_expected(judge(shop), (LOST, EFFECT)) == "unknown"


def test_what_says_nothing_of_itself_is_no_history() -> None:
    with pytest.raises(HistoryDamaged, match="does not say what it is of"):
        judge_history(lambda: sound().lines()[1:])


def test_the_first_few_that_are_wrong_are_named_and_all_are_counted() -> None:
    shop = sound()
    for _ in range(5):
        _lose_a_recovered_one(shop)
    (check,) = (check for check in judge(shop) if check.name == LOST)
    assert check.detail.startswith("5 of 9 are lost: ")
    assert check.detail.endswith(", …")
    assert check.detail.count(",") == 3


@given(data=st.data(), lines_per_pass=st.integers(1, 60))
def test_no_message_can_be_lost_unnoticed(data: st.DataObject, lines_per_pass: int) -> None:
    shop = sound()
    position = data.draw(st.integers(0, len(shop.messages) - 1))
    del shop.messages[position]
    assert convicted(shop, lines_per_pass)


def test_an_outage_of_the_broker_that_cost_an_attempt_is_convicted() -> None:
    name = "an outage of the broker costs no attempt"
    shop = sound()
    assert name not in {check.name for check in judge(shop)}
    shop.faults.append(FaultLine(2, "broker-down", 5, 6, 7, {"pid_gone": 3, "attempts_spent": 0}))
    assert convicted(shop) == set()
    assert name in {check.name for check in judge(shop)}
    shop.faults.append(FaultLine(3, "broker-down", 5, 6, 7, {"pid_gone": 3, "attempts_spent": 8}))
    assert convicted(shop) == {name}
