"""Delays that double, up to a longest one, and never are the same for all who failed together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.core.application import backoff as backoff_module
from outboxbench.core.application.backoff import Backoff

FIRST_S = 0.25
LONGEST_S = 8.0
ALMOST_ONE = 1 - 2**-53


@pytest.fixture
def backoff() -> Backoff:
    return Backoff(FIRST_S, LONGEST_S)


def draw(monkeypatch: pytest.MonkeyPatch, drawn: float) -> None:
    """Have every delay drawn from the same place of its range."""
    monkeypatch.setattr(backoff_module, "random", lambda: drawn)


def test_the_first_delay_lies_between_half_of_the_first_and_all_of_it(
    backoff: Backoff, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(monkeypatch, ALMOST_ONE)
    assert backoff.delay_s(1) == pytest.approx(FIRST_S / 2)
    draw(monkeypatch, 0.0)
    assert backoff.delay_s(1) == FIRST_S


def test_with_full_jitter_a_delay_may_be_anything_up_to_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = Backoff(FIRST_S, LONGEST_S, jitter=1.0)
    draw(monkeypatch, ALMOST_ONE)
    assert full.delay_s(1) == pytest.approx(0.0)
    draw(monkeypatch, 0.0)
    assert full.delay_s(1) == FIRST_S


def test_delays_double_with_every_failure_until_they_are_the_longest(
    backoff: Backoff, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(monkeypatch, 0.0)
    delays = [backoff.delay_s(failures) for failures in range(1, 9)]
    assert delays == [0.25, 0.5, 1, 2, 4, 8, 8, 8]


def test_those_who_fail_together_do_not_try_again_together(backoff: Backoff) -> None:
    delays = {backoff.delay_s(5) for _ in range(100)}
    assert len(delays) > 90
    assert 2.0 <= min(delays) < 2.5 < 3.5 < max(delays) <= 4.0


def test_a_first_delay_beyond_the_longest_is_cut_down_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw(monkeypatch, 0.0)
    assert Backoff(60.0, 5.0).delay_s(1) == 5.0


@given(failures=st.one_of(st.integers(1, 100), st.integers(1, 10**400)))
def test_every_delay_is_at_least_half_of_its_own_and_at_most_the_longest(failures: int) -> None:
    delay_s = Backoff(FIRST_S, LONGEST_S).delay_s(failures)
    whole_s = LONGEST_S if failures > 6 else FIRST_S * 2 ** (failures - 1)
    assert whole_s / 2 <= delay_s <= whole_s
