"""Who is wedged by a fault, over histories of a few clients: what they begin, and what ends."""

from __future__ import annotations

from typing import Any

import pytest
from tests.analysis.history.synthetic import MS, Past, only_injection

from outboxbench.analysis.history.wedged import ENDS_CLIENTS
from outboxbench.harness.faults.registry import FAULTS


def three_clients(*, healed_ms: float | None = 2_100) -> Past:
    """Two who go on after the fault, and a third that has only worked before."""
    past = Past()
    past.steadily(0, 4_000, client=0, every_ms=20)
    past.steadily(0, 4_000, client=1, every_ms=20)
    past.steadily(0, 2_000, client=2, every_ms=20)
    past.fault(2_000, healed_ms=healed_ms)
    return past


def test_a_client_whose_attempt_never_ends_is_wedged() -> None:
    past = three_clients()
    assert only_injection(past).wedged_clients == 1
    past.attempt(3_900, None, None, client=2)
    assert only_injection(past).wedged_clients == 1


def test_a_client_that_begins_nothing_is_wedged_if_others_begin_enough() -> None:
    past = three_clients(healed_ms=3_790)
    assert only_injection(past).wedged_clients == 1
    past = three_clients(healed_ms=3_810)
    assert only_injection(past).wedged_clients == 0


def test_clients_that_succeed_or_have_only_failed_a_few_times_are_not_wedged() -> None:
    past = three_clients()
    past.attempt(1_999, 2_200, "indeterminate", client=2, final="ok_recovered")
    assert only_injection(past).wedged_clients == 0
    past = three_clients()
    past.steadily(2_100, 2_100 + 4 * 20, "failed", client=2, every_ms=20)
    assert only_injection(past).wedged_clients == 0


def test_a_client_that_fails_again_and_again_is_wedged() -> None:
    past = three_clients()
    past.steadily(2_100, 2_100 + 5 * 20, "failed", client=2, every_ms=20)
    assert only_injection(past).wedged_clients == 1
    past.attempt(2_200, 2_210, client=2)
    assert only_injection(past).wedged_clients == 0


def test_an_ok_before_the_fault_was_healed_is_no_sign_of_recovery() -> None:
    past = three_clients(healed_ms=2_100)
    past.attempt(2_001, 2_050, client=2)
    assert only_injection(past).wedged_clients == 1


def test_who_hangs_after_the_next_onset_was_not_wedged_before() -> None:
    past = three_clients()
    past.attempt(2_500, 2_600, "failed", client=2)
    past.attempt(3_500, None, None, client=2)
    past.fault(3_000, healed_ms=3_010)
    assert [each.wedged_clients for each in past.availability().injections] == [0, 0]


def test_who_never_worked_cannot_wedge() -> None:
    past = three_clients()
    past.attempt(1_000, None, None, client=3)
    assert only_injection(past).wedged_clients == 1


def test_a_client_wedges_once() -> None:
    past = three_clients()
    past.attempt(1_999, None, None, client=2)
    past.fault(3_000, healed_ms=3_010)
    assert [each.wedged_clients for each in past.availability().injections] == [1, 0]


def test_where_all_hang_the_history_goes_on_until_the_fault_was_healed() -> None:
    past = Past()
    past.steadily(0, 2_000)
    past.attempt(2_000, None, None)
    past.fault(2_000, healed_ms=9_000)
    injection = only_injection(past)
    assert injection.span_ms == pytest.approx(7_000, abs=1e-5)
    assert injection.recovered is False
    assert injection.lost_good == pytest.approx(7_000, abs=0.1)
    assert injection.wedged_clients == 1


def test_of_a_fault_that_was_not_healed_nobody_knows_who_is_wedged() -> None:
    assert only_injection(three_clients(healed_ms=None)).wedged_clients is None


def test_a_client_that_succeeds_or_goes_on_once_the_load_is_over_is_not_wedged() -> None:
    for outcome in ("ok", "failed"):
        past = three_clients()
        past.attempt(3_990, 4_600, outcome, client=2, began_ns=4_500 * MS)
        assert only_injection(past).wedged_clients == 0


def test_a_client_that_hangs_once_the_load_is_over_is_wedged() -> None:
    past = three_clients()
    past.attempt(3_990, None, None, client=2, began_ns=4_500 * MS)
    assert only_injection(past).wedged_clients == 1


def test_what_a_client_does_after_the_next_onset_does_not_acquit_it_of_the_one_before() -> None:
    past = three_clients()
    past.attempt(3_500, 3_501, client=2)
    past.fault(3_000, healed_ms=3_010)
    assert [each.wedged_clients for each in past.availability().injections] == [1, 0]


def killed(**details: Any) -> Past:
    """Two clients who go on, and two more whose process is killed while one has an attempt."""
    past = Past()
    for client in range(2):
        past.steadily(0, 4_000, client=client, every_ms=20)
    for client in (2, 3):
        past.steadily(0, 2_000, client=client, every_ms=20)
    past.attempt(1_999, None, None, client=2)
    past.fault(2_000, took_effect_ms=2_010, healed_ms=2_011, **details)
    return past


def test_clients_of_a_killed_process_whose_successor_is_still_starting_are_not_wedged() -> None:
    assert only_injection(killed(fault="worker-kill")).wedged_clients == 0
    # Of any other fault the same history tells that one hangs, and another stands idle.
    assert only_injection(killed(fault="black-hole")).wedged_clients == 2


def test_what_a_killed_process_had_begun_between_onset_and_kill_is_not_its_successors() -> None:
    past = killed(fault="worker-kill")
    past.attempt(2_005, None, None, client=3)
    assert only_injection(past).wedged_clients == 0


def test_a_client_that_hangs_in_an_attempt_begun_after_the_kill_is_wedged() -> None:
    past = killed(fault="worker-kill")
    past.attempt(3_000, 3_001, "failed", client=3)
    past.attempt(3_100, None, None, client=3)
    assert only_injection(past).wedged_clients == 1


def test_a_successor_that_has_begun_to_try_is_not_wedged() -> None:
    past = killed(fault="worker-kill")
    past.attempt(3_000, 3_001, "failed", client=2)
    past.attempt(3_000, 3_001, client=3)
    assert only_injection(past).wedged_clients == 0


def test_faults_that_end_clients_are_faults_that_there_are() -> None:
    assert FAULTS.keys() >= ENDS_CLIENTS
    assert all(FAULTS[name].reach == "clients" for name in ENDS_CLIENTS)
