"""What it costs to judge a long history: one that went well, and is in memory already."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING, Any

import pytest

from outboxbench.analysis.history.judgement import judge
from outboxbench.analysis.verdict import combine
from outboxbench.results.history import AggregateLine, AttemptLine, Header, MessageLine

if TYPE_CHECKING:
    from outboxbench.results.history import HistoryLine

OPERATIONS = 20_000
ACCOUNTS = 1_000
CENTS = 10
ROUNDS = 5


@pytest.mark.benchmark(group="judge", timer=process_time)
@pytest.mark.in_baseline
def test_judge_a_long_history(benchmark: Any) -> None:
    lines = _history()

    judgement = benchmark.pedantic(judge, (lambda: lines,), rounds=ROUNDS, warmup_rounds=1)

    assert combine(check.verdict for check in judgement.checks) == "pass"


def _history() -> list[HistoryLine]:
    """The charges of accounts that take turns, each of which was committed at once."""
    operations = range(OPERATIONS)
    return [
        Header({"arm": "synthetic"}),
        *(_attempt(number) for number in operations),
        *(_message(number) for number in operations),
        *(
            AggregateLine("account", f"{account:032x}", per_account, -CENTS * per_account)
            for account in range(ACCOUNTS)
            if (per_account := OPERATIONS // ACCOUNTS)
        ),
    ]


def _attempt(number: int) -> AttemptLine:
    due_ns = number * 1_000_000
    return AttemptLine(
        operation=number + 1,
        attempt=1,
        op_id=_op_id(number),
        command="charge",
        aggregate_id=f"{number % ACCOUNTS:032x}",
        cents=CENTS,
        client=number % 16,
        due_ns=due_ns,
        began_ns=due_ns + 100_000,
        commit_sent_ns=due_ns + 400_000,
        ended_ns=due_ns + 900_000,
        stage=3,
        outcome="ok",
        final="ok",
        failure=None,
    )


def _message(number: int) -> MessageLine:
    return MessageLine(
        _op_id(number),
        0,
        "account",
        f"{number % ACCOUNTS:032x}",
        number // ACCOUNTS + 1,
        "account.charged",
        2,
        -CENTS,
        is_older=False,
    )


def _op_id(number: int) -> str:
    # Spread over all of its digits, as drawn ones are.
    return f"{(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"
