"""What became of the operations of an injection, over histories told by hand."""

from __future__ import annotations

from tests.analysis.history.synthetic import MS, Past, only_injection, op_id

from outboxbench.results.availability import Ambiguity
from outboxbench.results.block import OutcomeCounts


def test_operations_count_where_they_were_due() -> None:
    past = Past()
    past.attempt(0, 1)
    past.attempt(9, 12, "failed")
    past.attempt(10, 30)
    past.attempt(11, None, None)
    past.attempt(12, 13, "indeterminate", final="ok_recovered")
    past.attempt(13, None, None, began_ns=None, attempt=0, final="skipped")
    past.attempt(20, 21, "indeterminate")
    past.fault(10)
    past.fault(20)
    block = past.availability()
    first, second = block.injections
    assert block.outcomes_before == OutcomeCounts(ok=1, failed=1)
    assert first.outcomes == OutcomeCounts(ok=1, indeterminate=1, ok_recovered=1, skipped=1)
    assert second.outcomes == OutcomeCounts(indeterminate=1)


def test_operations_in_flight_were_begun_before_and_ended_after() -> None:
    past = Past()
    past.attempt(0, 10)
    past.attempt(1, 11, "failed")
    past.attempt(2, 25)
    past.attempt(3, None, None)
    past.attempt(4, 5, "failed", final=None, operation=77)
    past.attempt(4, 12, "indeterminate", began_ns=8 * MS, attempt=2, operation=77)
    past.attempt(10, 13)
    past.attempt(5, None, None, began_ns=None, attempt=0, final="skipped")
    # Its client died before it could try again.
    past.attempt(6, 7, "failed", final=None)
    past.attempt(30, 31)
    past.fault(10)
    past.fault(20)
    first, second = past.availability().injections
    assert first.in_flight_at_onset == 5
    # One that never ends is in flight for good, but at one onset it counts.
    assert first.in_flight_outcomes == OutcomeCounts(ok=1, failed=1, indeterminate=3)
    assert second.in_flight_outcomes == OutcomeCounts(ok=1)


def test_the_database_tells_what_became_of_what_was_in_doubt() -> None:
    past = Past()
    past.attempt(0, 1)
    past.fault(10)
    committed = past.attempt(11, 12, "indeterminate")
    past.attempt(12, 13, "indeterminate")
    died = past.attempt(13, None, None)
    recovered = past.attempt(14, 15, "indeterminate", final="ok_recovered")
    failed = past.attempt(15, 16, "failed")
    older = past.attempt(16, 17, "indeterminate")
    for line in (committed, died, recovered, failed):
        past.store(line.op_id)
    past.store(older.op_id, is_older=True)
    assert only_injection(past).ambiguity == Ambiguity(
        indeterminate=4, committed=2, twice_if_repeated=3, recovered=1
    )


def test_a_retry_that_was_told_ok_proves_that_the_attempt_before_had_not_committed() -> None:
    past = Past()
    past.attempt(0, 1)
    past.fault(10)
    past.attempt(11, 12, "indeterminate", final=None, operation=7, op_id=op_id(7))
    past.attempt(11, 14, began_ns=13 * MS, attempt=2, operation=7, op_id=op_id(7))
    past.store(op_id(7))
    assert only_injection(past).ambiguity == Ambiguity()


def test_a_blind_retry_has_applied_twice_what_had_committed() -> None:
    past = Past()
    past.attempt(0, 1)
    past.fault(10)
    past.attempt(11, 12, "indeterminate", final=None, operation=7, op_id=op_id(7))
    past.attempt(11, 14, began_ns=13 * MS, attempt=2, operation=7, op_id=op_id(8))
    past.store(op_id(7))
    past.store(op_id(8))
    assert only_injection(past).ambiguity == Ambiguity(twice_if_repeated=1)
