"""Batches grow while they are full and quick, and shrink when one takes too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.core.application.batch_size import BatchSize

TARGET_S = 2.5
QUICK_S = TARGET_S / 5
SLOW_S = TARGET_S * 2


def batch_of(messages: int) -> BatchSize:
    """Return a size that has grown to so many messages."""
    batch = BatchSize(8, 128, TARGET_S)
    while batch.messages < messages:
        batch.note(batch.messages, QUICK_S)
    assert batch.messages == messages
    return batch


def test_it_starts_with_the_smallest_batch() -> None:
    assert BatchSize(8, 128, TARGET_S).messages == 8


def test_it_doubles_while_batches_are_full_and_quick_up_to_the_largest() -> None:
    batch, sizes = BatchSize(8, 100, TARGET_S), []
    for _ in range(6):
        batch.note(batch.messages, QUICK_S)
        sizes.append(batch.messages)
    assert sizes == [16, 32, 64, 100, 100, 100]


def test_it_halves_with_every_batch_that_takes_too_long_down_to_the_smallest() -> None:
    batch, sizes = batch_of(64), []
    for _ in range(5):
        batch.note(batch.messages, SLOW_S)
        sizes.append(batch.messages)
    assert sizes == [32, 16, 8, 8, 8]


def test_a_slow_batch_shrinks_it_however_little_was_in_it() -> None:
    batch = batch_of(64)
    batch.note(1, SLOW_S)
    assert batch.messages == 32


def test_a_batch_that_is_not_even_half_full_does_not_make_it_grow() -> None:
    batch = batch_of(64)
    batch.note(31, QUICK_S)
    assert batch.messages == 64


def test_a_batch_that_would_be_too_slow_at_twice_its_size_does_not_make_it_grow() -> None:
    batch = batch_of(64)
    batch.note(64, TARGET_S * 0.6)
    assert batch.messages == 64


def test_what_it_has_shrunk_by_it_grows_by_again() -> None:
    batch = batch_of(64)
    batch.note(64, SLOW_S)
    batch.note(32, QUICK_S)
    assert batch.messages == 64


def test_it_shrinks_when_a_batch_fails_but_never_below_the_smallest() -> None:
    batch = batch_of(64)
    for expected in (32, 16, 8, 8):
        batch.note_failure()
        assert batch.messages == expected


@pytest.mark.parametrize("took_s", [QUICK_S, SLOW_S])
def test_a_largest_batch_below_the_smallest_is_the_only_size(took_s: float) -> None:
    batch = BatchSize(32, 5, TARGET_S)
    assert batch.messages == 5
    batch.note(5, took_s)
    assert batch.messages == 5


@given(
    smallest=st.integers(1, 1_000),
    largest=st.integers(1, 1_000),
    notes=st.lists(st.tuples(st.integers(0, 2_000), st.floats(0, 10 * TARGET_S))),
)
def test_it_stays_within_its_bounds_whatever_it_is_told(
    smallest: int, largest: int, notes: list[tuple[int, float]]
) -> None:
    batch = BatchSize(smallest, largest, TARGET_S)
    sizes = [batch.messages]
    for claimed, took_s in notes:
        batch.note(claimed, took_s)
        sizes.append(batch.messages)
    assert min(sizes) == sizes[0] == min(smallest, largest)
    assert max(sizes) <= largest
