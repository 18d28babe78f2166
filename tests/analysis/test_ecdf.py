"""Distributions of latencies: exact at the values of the grid, and cut to where they rise."""

from __future__ import annotations

import numpy as np
import pytest

from outboxbench.analysis.ecdf import FEWEST_SAMPLES, cumulated, ecdf
from outboxbench.results.buckets import counts_index
from outboxbench.results.histograms import to_hdr


def latencies(*values_us: int) -> dict[int, int]:
    counts: dict[int, int] = {}
    for value_us in values_us:
        counts[counts_index(value_us)] = counts.get(counts_index(value_us), 0) + 1
    return counts


def test_a_share_is_that_of_the_operations_which_took_no_longer() -> None:
    found = ecdf([cumulated([to_hdr(latencies(*[100] * 30, *[10_000] * 10))])])

    assert found is not None
    assert (found.rounds, found.samples) == (1, 40)
    shares = dict(zip(found.values_us.tolist(), found.share.tolist(), strict=True))
    assert shares[100] == 0.75
    assert shares[10_000] == 1
    assert max(share for value, share in shares.items() if value < 100) == 0
    assert max(share for value, share in shares.items() if value < 10_000) == 0.75


def test_a_band_reaches_from_the_slowest_round_to_the_fastest() -> None:
    fast, slow = ([to_hdr(latencies(*[value] * 50))] for value in (1000, 10_000))

    found = ecdf([cumulated(fast), cumulated(slow)])

    assert found is not None
    assert np.all(found.least <= found.share)
    assert np.all(found.share <= found.most)
    slowest_us, _, fastest_us = found.quantile_us(0.5)
    assert fastest_us == pytest.approx(1000, rel=0.06)
    assert slowest_us == pytest.approx(10_000, rel=0.06)


def test_histograms_of_a_round_count_together() -> None:
    parts = [to_hdr(latencies(*[200] * 15)), to_hdr(latencies(*[300] * 15))]

    together = ecdf([cumulated(parts)])

    assert together is not None
    assert together.samples == 30


def test_a_round_with_too_few_samples_is_no_distribution() -> None:
    few = cumulated([to_hdr(latencies(*[100] * (FEWEST_SAMPLES - 1)))])
    enough = cumulated([to_hdr(latencies(*[100] * FEWEST_SAMPLES))])

    assert ecdf([few]) is None
    assert ecdf([]) is None
    found = ecdf([few, enough])
    assert found is not None
    assert (found.rounds, found.samples) == (1, FEWEST_SAMPLES)
