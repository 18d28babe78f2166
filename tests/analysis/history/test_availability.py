"""Each figure of an injection, over histories small enough to tell it by hand."""

from __future__ import annotations

import pytest
from tests.analysis.history.synthetic import MS, Past, only_injection, op_id

from outboxbench.results.availability import Ambiguity
from outboxbench.results.block import OutcomeCounts


def interrupted(by_ms: int = 1_000, *, to_ms: int = 4_000) -> Past:
    """One operation a millisecond, an onset after two seconds, and nothing good for a while."""
    past = Past()
    past.steadily(0, 2_000)
    past.steadily(2_000, 2_000 + by_ms, "failed")
    past.steadily(2_000 + by_ms, to_ms)
    return past


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


def test_goodput_is_back_when_it_stays() -> None:
    past = interrupted(1_000)
    past.fault(2_000)
    injection = only_injection(past)
    assert injection.baseline is not None
    assert injection.baseline.good_per_s == 1_000
    assert injection.baseline.due_per_s == 1_000
    assert injection.baseline.service_ms == pytest.approx(0.5)
    assert injection.baseline.seconds == 2
    assert (injection.recovered, injection.recovered_ms, injection.bin_ms) == (True, 1_000, 100)
    assert injection.lost_good == 1_000


def test_what_was_in_flight_at_the_onset_is_no_good_of_the_baseline() -> None:
    past = interrupted(1_000)
    past.attempt(1_999, 2_500, client=1)
    past.fault(2_000)
    baseline = only_injection(past).baseline
    assert baseline is not None
    assert (baseline.good_per_s, baseline.due_per_s) == (1_000, 1_000.5)
    assert baseline.service_ms == pytest.approx(0.5)


def test_goodput_that_comes_back_for_four_bins_is_not_back() -> None:
    past = Past()
    past.steadily(0, 2_000)
    past.steadily(2_000, 2_500, "failed")
    past.steadily(2_500, 2_900)
    past.steadily(2_900, 3_000, "failed")
    past.steadily(3_000, 4_000)
    past.fault(2_000)
    injection = only_injection(past)
    assert injection.recovered_ms == 1_000
    assert injection.lost_good == 600


def test_ninety_percent_are_enough_and_fewer_are_not() -> None:
    for missing, recovered in ((10, True), (11, False)):
        past = Past()
        past.steadily(0, 2_000)
        for begins_ms in range(2_000, 4_000, 100):
            past.steadily(begins_ms, begins_ms + missing, "failed")
            past.steadily(begins_ms + missing, begins_ms + 100)
        past.fault(2_000)
        assert only_injection(past).recovered is recovered


def test_what_never_fell_is_recovered_at_once_and_lost_nothing() -> None:
    past = interrupted(0)
    past.fault(2_000)
    injection = only_injection(past)
    assert (injection.recovered, injection.recovered_ms, injection.lost_good) == (True, 0, 0)


def test_nothing_recovers_from_what_has_not_taken_effect() -> None:
    past = Past()
    past.steadily(0, 2_700)
    past.steadily(2_700, 3_000, "failed")
    past.steadily(3_000, 5_000)
    past.fault(2_000, took_effect_ms=2_650)
    assert only_injection(past).recovered_ms == 1_000


def test_in_a_span_too_short_nobody_can_see_a_recovery() -> None:
    past = interrupted(100, to_ms=2_450)
    past.fault(2_000)
    injection = only_injection(past)
    assert injection.recovered is None
    assert injection.recovered_ms is None
    assert injection.lost_good == pytest.approx(100, abs=1)


def test_a_short_span_at_a_low_rate_is_enough_to_see_goodput_stay() -> None:
    past = Past()
    past.steadily(0, 400, every_ms=5)
    past.steadily(400, 650, "failed", every_ms=5)
    past.steadily(650, 1_600, every_ms=5)
    past.fault(400, healed_ms=450)
    injection = only_injection(past)
    assert injection.bin_ms == 300
    assert injection.span_ms == pytest.approx(1_195, abs=1)
    assert (injection.recovered, injection.recovered_ms) == (True, 300)


def test_a_single_wide_bin_is_no_recovery() -> None:
    past = Past()
    past.steadily(0, 4_000, every_ms=10)
    past.steadily(4_000, 4_500, "failed", every_ms=10)
    past.steadily(4_500, 5_000, every_ms=10)
    past.steadily(5_000, 6_001, "failed", every_ms=10)
    past.fault(4_000, healed_ms=4_100)
    injection = only_injection(past)
    assert (injection.bin_ms, injection.recovered) == (500, False)


def test_goodput_has_to_stay_for_five_bins_where_the_span_has_them() -> None:
    past = Past()
    past.steadily(0, 4_000, every_ms=10)
    past.steadily(4_000, 4_500, "failed", every_ms=10)
    past.steadily(4_500, 6_000, every_ms=10)
    past.steadily(6_000, 6_500, "failed", every_ms=10)
    past.steadily(6_500, 8_000, every_ms=10)
    past.fault(4_000, healed_ms=4_100)
    # Back for three bins of half a second, away for one, and back until the span ends.
    assert only_injection(past).recovered_ms == 2_500


def test_of_goodput_that_comes_back_as_the_span_ends_nobody_can_say_whether_it_stays() -> None:
    for good_from_ms, recovered in ((5_000, True), (5_500, None), (6_000, False)):
        past = Past()
        past.steadily(0, 4_000, every_ms=10)
        past.steadily(4_000, good_from_ms, "failed", every_ms=10)
        past.steadily(good_from_ms, 6_001, every_ms=10)
        past.fault(4_000, healed_ms=4_100)
        assert only_injection(past).recovered is recovered


def test_at_low_rates_bins_are_wider() -> None:
    past = Past()
    past.steadily(0, 20_000, every_ms=10)
    past.steadily(20_000, 23_000, "failed", every_ms=10)
    past.steadily(23_000, 40_000, every_ms=10)
    past.fault(20_000)
    injection = only_injection(past)
    assert injection.bin_ms == 500
    assert injection.recovered_ms == 3_000


def test_a_lull_of_arrivals_is_no_outage_but_that_hardly_any_come_is() -> None:
    for arrivals, recovered_ms in ((75, 1_000), (60, 1_100)):
        past = interrupted(1_000, to_ms=3_000)
        past.steadily(3_000, 3_000 + arrivals)
        past.steadily(3_100, 4_000)
        past.fault(2_000)
        assert only_injection(past).recovered_ms == recovered_ms


def test_the_baseline_is_pooled_over_the_clean_times_and_without_what_is_caught_up_on() -> None:
    past = Past()
    past.steadily(0, 2_000)
    for due_ms in range(2_000, 3_000):
        past.attempt(due_ms, 3_000 + (due_ms - 2_000) / 10)
    past.steadily(3_000, 6_000)
    past.fault(2_000, healed_ms=2_900)
    past.fault(4_000, healed_ms=4_100)
    first, second = past.availability().injections
    assert first.recovered_ms == 1_000
    assert first.baseline is not None
    assert first.baseline == second.baseline
    # Two seconds before the first onset, and one between the recovery and the second.
    assert first.baseline.seconds == 3
    assert first.baseline.good_per_s == 1_000
    assert first.baseline.service_ms == pytest.approx(0.5)


def test_a_short_clean_time_with_a_lull_does_not_decide_what_was_usual() -> None:
    past = Past()
    past.steadily(0, 400, every_ms=10)
    past.steadily(400, 6_000, every_ms=5)
    past.fault(400, healed_ms=500)
    past.fault(2_400, healed_ms=2_500)
    past.fault(4_400, healed_ms=4_500)
    for injection in past.availability().injections:
        assert injection.baseline is not None
        assert injection.baseline.good_per_s == pytest.approx(200, rel=0.06)


def test_time_under_a_fault_is_not_clean_even_if_goodput_never_fell() -> None:
    past = Past()
    past.steadily(0, 3_000)
    past.fault(1_000, healed_ms=1_450)
    past.fault(2_000, healed_ms=2_100)
    for injection in past.availability().injections:
        assert injection.baseline is not None
        # From the first bin that begins after the healing.
        assert injection.baseline.seconds == 1.5
        assert injection.recovered_ms == 0


def test_where_goodput_did_not_come_back_nothing_was_clean() -> None:
    past = Past()
    past.steadily(0, 2_000)
    past.steadily(2_000, 4_000, every_ms=2)
    past.steadily(4_000, 6_000)
    past.fault(2_000, healed_ms=2_100)
    past.fault(4_000, healed_ms=4_100)
    first, second = past.availability().injections
    assert (first.recovered, first.recovered_ms) == (False, None)
    assert first.lost_good == 1_000
    assert first.baseline is not None
    assert first.baseline.seconds == 2
    assert second.baseline == first.baseline
    assert second.recovered_ms == 0


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
