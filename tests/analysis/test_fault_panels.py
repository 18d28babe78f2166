from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.fault_arms import CHECK, fault_arm
from tests.report import faults

from outboxbench.analysis.fault_panels import (
    OUTCOMES,
    due_in_spans,
    fails_as_expected,
    fault_panels,
    first_ok_ms,
    longest_gap_ms,
    shares_to_draw,
)
from outboxbench.results.block import OutcomeCounts

counts = st.builds(OutcomeCounts, **{name: st.integers(0, 100_000) for name in OUTCOMES})


def test_arms_stand_together_by_fault_and_are_told_apart_by_what_they_differ_in() -> None:
    panels = fault_panels(
        faults.run(
            faults.arm("psycopg", "reset"),
            faults.arm("asyncpg", "reset", retries="safe"),
            faults.arm("asyncpg", "reset", retries="naive"),
            faults.arm("asyncpg", "black-hole"),
        )
    )

    assert [panel.fault for panel in panels] == ["black-hole", "reset"]
    alone, together = panels
    assert [alone.label(arm) for arm in alone.arms] == ["asyncpg"]
    assert [together.label(arm) for arm in together.arms] == [
        *("asyncpg naive", "asyncpg safe", "psycopg safe")
    ]
    assert [together.variant(arm) for arm in together.arms] == [0, 1, 0]


def test_ways_to_a_promoted_server_are_told_apart_where_they_differ() -> None:
    by_proxy = faults.arm(fault="failover-sync")
    by_hosts = by_proxy.model_copy(update={"name": "by hosts", "find_by": "hosts"})

    (panel,) = fault_panels(faults.run(by_proxy, by_hosts))

    assert {panel.label(arm) for arm in panel.arms} == {"asyncpg", "asyncpg found by hosts"}


def test_loads_are_told_apart_where_they_differ() -> None:
    slow = faults.arm()
    fast = slow.model_copy(update={"name": "fast", "settings": {"rate_per_s": 400.0}})

    (panel,) = fault_panels(faults.run(slow, fast))

    assert {panel.label(arm) for arm in panel.arms} == {"asyncpg 200/s", "asyncpg 400/s"}


def test_what_never_came_to_pass_has_neither_a_first_ok_nor_a_gap_that_ended() -> None:
    injections = faults.arm(is_for_good=True).availability.injections

    assert [value is None for value in first_ok_ms(injections)] == [False, True]
    assert [value is None for value in longest_gap_ms(injections)] == [False, True]
    assert injections[1].longest_gap_ms is not None


def test_operations_due_before_the_first_onset_do_not_count() -> None:
    arm = faults.arm()
    before = arm.availability.outcomes_before

    every_ms = faults.EVERY_MS
    assert before.attempted == faults.ONSET_MS / every_ms
    assert due_in_spans(arm).attempted == 2 * faults.CYCLE_MS / every_ms - before.attempted


@given(counts)
def test_shares_add_up_and_nothing_that_occurred_is_too_small_to_see(
    outcomes: OutcomeCounts,
) -> None:
    shares = shares_to_draw(outcomes, least=0.01)

    assert set(shares) == {name for name in OUTCOMES if getattr(outcomes, name)}
    if outcomes.attempted:
        assert sum(shares.values()) == pytest.approx(1)
        assert min(shares.values()) >= 0.01


def test_shares_that_are_large_enough_are_exact() -> None:
    shares = shares_to_draw(OutcomeCounts(ok=60, failed=30, skipped=10), least=0.01)

    assert shares == pytest.approx({"failed": 0.3, "skipped": 0.1, "ok": 0.6})
    assert list(shares) == ["failed", "skipped", "ok"]


def test_an_arm_that_found_what_it_was_to_find_fails_as_expected() -> None:
    expected = fault_arm(verdict="fail", expected_findings=(CHECK,))
    assert fails_as_expected(expected)
    assert not fails_as_expected(fault_arm(verdict="fail"))
    assert not fails_as_expected(fault_arm(expected_findings=(CHECK,)))
    assert not fails_as_expected(fault_arm(verdict="unknown", expected_findings=(CHECK,)))
