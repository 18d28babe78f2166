"""What it costs an operation to be on record: against the same attempt that nobody records."""

from __future__ import annotations

from statistics import median, quantiles
from time import perf_counter_ns
from typing import TYPE_CHECKING
from uuid import uuid4

from outboxbench.core.application.outcome import Attempt, Outcome, Stage
from outboxbench.core.application.retry import OperationResult
from outboxbench.harness.load.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

TURNS = 60
OPERATIONS = 5_000
MOST_US = 3.0
OK = OperationResult(Outcome.OK, attempts=1)
STAGES = (Stage.BEGIN, Stage.WORK, Stage.COMMIT_SENT)


def test_an_operation_is_on_record_for_a_few_microseconds(tmp_path: Path) -> None:
    journal = Journal(tmp_path, worker=0)
    op_id, account_id = uuid4(), uuid4()
    costs_us = []
    for turn in range(TURNS + 1):
        # Each goes first in half of the turns: a machine that drifts favours neither.
        if turn % 2:
            with_us, without_us = _recorded(journal, op_id, account_id), _bare(op_id)
        else:
            without_us, with_us = _bare(op_id), _recorded(journal, op_id, account_id)
        costs_us.append(with_us - without_us)
    journal.close()
    # The first turn only warms the caches.
    low, _, high = quantiles(costs_us[1:], n=4)
    cost_us = median(costs_us[1:])
    print(
        f"\non record: {cost_us:.2f} µs an operation "
        f"(half of {TURNS} turns {low:.2f} to {high:.2f})"
    )
    assert cost_us <= MOST_US


def _recorded(journal: Journal, op_id: UUID, account_id: UUID) -> float:
    began_ns = perf_counter_ns()
    for _ in range(OPERATIONS):
        operation = journal.operation(1, account_id, 5, 11, 2)
        attempt = operation(op_id, None)
        for stage in STAGES:
            attempt.stage = stage
        operation.end(OK)
    return (perf_counter_ns() - began_ns) / OPERATIONS / 1000


def _bare(op_id: UUID) -> float:
    began_ns = perf_counter_ns()
    for _ in range(OPERATIONS):
        attempt = Attempt(op_id, None)
        for stage in STAGES:
            attempt.stage = stage
    return (perf_counter_ns() - began_ns) / OPERATIONS / 1000
