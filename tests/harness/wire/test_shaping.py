"""How long chunks wait follows from what was asked for, and from the seed."""

from __future__ import annotations

from itertools import pairwise
from time import monotonic

from hypothesis import given, settings
from hypothesis import strategies as st

from outboxbench.harness.wire.shaping import Bandwidth, Latency

CHUNKS = 20


def delays_s(seed: int, number: int = 1) -> list[float]:
    latency = Latency(10.0, 4.0, seed)
    return [latency.delay_s("frontend", number) for _ in range(CHUNKS)]


@given(seed=st.integers())
@settings(deadline=None)
def test_the_same_seed_gives_the_same_delays(seed: int) -> None:
    assert delays_s(seed) == delays_s(seed)
    assert delays_s(seed) != delays_s(seed + 1)
    assert delays_s(seed) != delays_s(seed, number=2)


@given(seed=st.integers())
@settings(deadline=None)
def test_each_direction_takes_half(seed: int) -> None:
    assert all(0.005 <= each_s <= 0.007 for each_s in delays_s(seed))


def test_the_delays_of_a_lane_depend_on_no_other() -> None:
    latency = Latency(10.0, 4.0, 1)
    together = []
    for _ in range(CHUNKS):
        together.append(latency.delay_s("frontend", 1))
        latency.delay_s("backend", 1)
        latency.delay_s("frontend", 2)

    assert together == delays_s(1)


def test_the_mean_is_that_of_the_chunks() -> None:
    latency = Latency(10.0, 0.0, 1)
    assert latency.evidence() == {"chunks": 0, "delayed_ms_mean": 0.0}
    latency.note(5, 0.25)
    latency.note(5, 0.75)
    # An end is no chunk.
    latency.note(0, 100.0)

    assert latency.evidence() == {"chunks": 2, "delayed_ms_mean": 500.0}


def test_all_connections_share_a_direction() -> None:
    bandwidth = Bandwidth(1000.0)
    began_s = monotonic()
    dues_s = [bandwidth.due_s("frontend", number, 100) for number in range(10)]

    assert dues_s[-1] >= began_s + 1.0
    assert all(later - earlier >= 0.0999 for earlier, later in pairwise(dues_s))
    assert bandwidth.due_s("backend", 1, 100) < dues_s[-1]


def test_a_link_is_never_too_narrow_for_a_byte() -> None:
    assert Bandwidth(0.5).chunk_bytes == 1
