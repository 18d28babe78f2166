"""What it costs an operation to be on record: against the same attempt that nobody records."""

from __future__ import annotations

from statistics import median, quantiles
from time import process_time_ns
from typing import TYPE_CHECKING
from uuid import uuid4

from bench.micro.reference import fastest_step_ns

from outboxbench.core.application.outcome import Attempt, Outcome, Stage
from outboxbench.core.application.retry import OperationResult
from outboxbench.harness.load.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

TURNS = 60
OPERATIONS = 5_000
MOST_STEPS = 30
"""Three microseconds, where a step of the loop takes a tenth of one."""

OK = OperationResult(Outcome.OK, attempts=1)
STAGES = (Stage.BEGIN, Stage.WORK, Stage.COMMIT_SENT)


def test_an_operation_is_on_record_for_no_more_than_thirty_steps_of_a_loop(tmp_path: Path) -> None:
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
    steps = cost_us * 1000 / fastest_step_ns()
    print(
        f"\non record: {cost_us:.2f} µs an operation "
        f"(half of {TURNS} turns {low:.2f} to {high:.2f}), {steps:.0f} steps of a loop"
    )
    assert steps <= MOST_STEPS


def _recorded(journal: Journal, op_id: UUID, account_id: UUID) -> float:
    began_ns = process_time_ns()
    for _ in range(OPERATIONS):
        operation = journal.operation(1, account_id, 5, 11, 2)
        attempt = operation(op_id, None)
        for stage in STAGES:
            attempt.stage = stage
        operation.end(OK)
    return (process_time_ns() - began_ns) / OPERATIONS / 1000


def _bare(op_id: UUID) -> float:
    began_ns = process_time_ns()
    for _ in range(OPERATIONS):
        attempt = Attempt(op_id, None)
        for stage in STAGES:
            attempt.stage = stage
    return (process_time_ns() - began_ns) / OPERATIONS / 1000
