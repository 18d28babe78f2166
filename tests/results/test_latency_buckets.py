from __future__ import annotations

import subprocess
import sys

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.results.buckets import (
    COUNTS_LENGTH,
    HIGHEST_US,
    LOWEST_US,
    SIGNIFICANT_DIGITS,
    clamp_us,
    counts_index,
)
from outboxbench.results.histograms import to_counts

HDR = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)

# Where the formula could be off by one: each side of every power of two.
EDGES = sorted(
    {
        value
        for power in range(HIGHEST_US.bit_length())
        for value in ((1 << power) - 1, 1 << power, (1 << power) + 1)
    }
    | {HIGHEST_US - 1, HIGHEST_US}
)

latencies_us = st.integers(0, HIGHEST_US) | st.sampled_from(EDGES)


@pytest.mark.parametrize("value_us", EDGES)
def test_a_boundary_is_counted_where_hdrhistogram_counts_it(value_us: int) -> None:
    assert counts_index(value_us) == HDR.get_counts_array_index(value_us)


@given(st.lists(latencies_us, max_size=50))
def test_counts_equal_those_that_hdrhistogram_records(values_us: list[int]) -> None:
    counts = [0] * COUNTS_LENGTH
    recorded = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)

    for value_us in values_us:
        counts[counts_index(value_us)] += 1
        assert recorded.record_value(value_us)

    assert {index: count for index, count in enumerate(counts) if count} == to_counts(recorded)


def test_the_list_of_counts_is_as_long_as_hdrhistograms() -> None:
    assert HDR.counts_len == COUNTS_LENGTH
    assert counts_index(HIGHEST_US) < COUNTS_LENGTH


@given(st.integers(-(2**40), 2**40))
def test_every_clamped_latency_can_be_counted(value_us: int) -> None:
    clamped_us = clamp_us(value_us)

    assert 0 <= counts_index(clamped_us) < COUNTS_LENGTH
    assert clamped_us == value_us or not 0 <= value_us <= HIGHEST_US


def test_counting_imports_no_heavy_package() -> None:
    program = (
        "import sys, outboxbench.results.buckets;"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'hdrh', 'pydantic')))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
