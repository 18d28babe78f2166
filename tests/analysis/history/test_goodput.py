"""When goodput was back, and against which clean times, over histories told by hand."""

from __future__ import annotations

import pytest
from tests.analysis.history.synthetic import Past, interrupted, only_injection


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
