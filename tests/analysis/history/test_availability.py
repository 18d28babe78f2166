"""When a service was there again, over histories small enough to tell it by hand."""

from __future__ import annotations

import pytest
from tests.analysis.history.synthetic import MS, Past, interrupted, only_injection

from outboxbench.results.block import OutcomeCounts


def test_a_block_without_faults_has_a_timeline_and_no_injections() -> None:
    past = Past()
    past.steadily(1_000, 1_250)
    past.attempt(1_249, 1_249.5, "failed")
    block = past.availability()
    assert block.injections == ()
    assert block.outcomes_before == OutcomeCounts(ok=250, failed=1)
    assert (block.timeline.begins_ms, block.timeline.bin_ms) == (1_000, 100)
    # The load ends when the last operation is due, and what ends later is not of its time.
    assert block.timeline.good == (100, 100, 49)


def test_of_nothing_nothing_is_measured() -> None:
    assert Past().availability().timeline.good == ()
    past = Past()
    past.fault(5)
    injection = only_injection(past)
    assert injection.baseline is None
    assert injection.recovered is None
    assert injection.lost_good is None
    assert injection.first_ok_ms is None
    assert injection.wedged_clients is None
    assert injection.outcomes.attempted == 0


def test_the_first_ok_was_invoked_after_the_onset() -> None:
    past = interrupted()
    past.attempt(1_999.5, 2_200, client=1)
    past.fault(2_000)
    injection = only_injection(past)
    assert injection.onset_ms == 2_000
    assert injection.first_ok_ms == 1_000.5
    assert injection.first_ok_after_effect_ms == 1_000.5


def test_an_attempt_that_slips_past_a_fault_is_told_apart() -> None:
    past = interrupted()
    past.attempt(2_001, 2_003, client=1)
    past.fault(2_000, took_effect_ms=2_010, server_ready_ns=2_900 * MS)
    injection = only_injection(past)
    assert injection.first_ok_ms == 3
    assert injection.first_ok_after_effect_ms == 1_000.5
    assert injection.server_ready_ms == 900
    assert injection.after_server_ms == 100.5


def test_where_nobody_asked_the_server_its_own_part_is_unknown() -> None:
    past = interrupted()
    past.fault(2_000)
    assert only_injection(past).server_ready_ms is None
    assert only_injection(past).after_server_ms is None


def test_a_retry_that_ends_ok_shows_that_the_service_is_back() -> None:
    past = interrupted(2_000)
    past.attempt(1_999, 2_001, "failed", client=1, final=None, operation=99_999)
    past.attempt(1_999, 2_105, client=1, began_ns=2_100 * MS, attempt=2, operation=99_999)
    past.fault(2_000)
    assert only_injection(past).first_ok_ms == 105


def test_an_ok_after_the_next_onset_is_none_of_this_one() -> None:
    past = interrupted(1_000)
    past.fault(2_000)
    past.fault(2_500)
    first, second = past.availability().injections
    assert (first.span_ms, first.first_ok_ms) == (500, None)
    assert second.first_ok_ms == 500.5


def test_the_longest_gap_may_be_at_the_onset_in_the_middle_or_at_the_end() -> None:
    at_onset = interrupted()
    at_onset.fault(2_000)
    assert only_injection(at_onset).longest_gap_ms == 1_000.5
    in_the_middle = Past()
    in_the_middle.steadily(0, 2_300)
    in_the_middle.steadily(2_700, 4_000)
    in_the_middle.fault(2_000)
    assert only_injection(in_the_middle).longest_gap_ms == 401
    at_the_end = interrupted(0)
    at_the_end.steadily(4_000, 5_001, "failed")
    at_the_end.fault(2_000)
    assert only_injection(at_the_end).longest_gap_ms == pytest.approx(1_000.5, abs=1e-5)


def test_deliveries_pause_from_an_onset_until_the_next_one_is_confirmed() -> None:
    past = interrupted()
    past.fault(2_000, took_effect_ms=2_010)
    # One slips past the fault; what comes after the load is over is of no span.
    past.deliver(1_000, 2_005, 2_900, 3_000, 3_950, 4_500)
    pauses = only_injection(past).deliveries
    assert pauses is not None
    assert (pauses.first_ms, pauses.first_after_effect_ms) == (5, 900)
    assert pauses.longest_gap_ms == 950


def test_relays_that_deliver_nothing_after_an_onset_are_told_from_none_at_all() -> None:
    past = interrupted()
    past.fault(2_000)
    assert only_injection(past).deliveries is None
    past.deliver(1_000)
    pauses = only_injection(past).deliveries
    assert pauses is not None
    assert (pauses.first_ms, pauses.first_after_effect_ms) == (None, None)
    assert pauses.longest_gap_ms == only_injection(past).span_ms
