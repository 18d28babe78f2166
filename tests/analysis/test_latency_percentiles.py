from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.analysis.latency import percentiles, spectrum
from outboxbench.results.buckets import HIGHEST_US, counts_index
from outboxbench.results.histograms import empty, to_hdr

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram


def one_to(samples: int) -> HdrHistogram:
    """Latencies of 1 µs, 2 µs, … up to as many as there are samples."""
    histogram = empty()
    for value_us in range(1, samples + 1):
        histogram.record_value(value_us)
    return histogram


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (1, []),
        (19, []),
        (20, ["p50"]),
        (99, ["p50"]),
        (100, ["p50", "p90"]),
        (999, ["p50", "p90"]),
        (1_000, ["p50", "p90", "p99"]),
        (9_999, ["p50", "p90", "p99"]),
        (10_000, ["p50", "p90", "p99", "p99_9"]),
    ],
)
def test_a_percentile_is_told_only_with_ten_samples_beyond_it(
    samples: int, told: list[str]
) -> None:
    latency_us = percentiles(to_hdr({400: samples}))

    names = ("p50", "p90", "p99", "p99_9")
    assert [name for name in names if getattr(latency_us, name) is not None] == told
    assert latency_us.samples == samples
    assert latency_us.max == 400


def test_no_sample_says_nothing() -> None:
    latency_us = percentiles(empty())

    assert latency_us.model_dump() == {
        "samples": 0,
        "p50": None,
        "p90": None,
        "p99": None,
        "p99_9": None,
        "max": None,
    }


def test_percentiles_are_exact_below_two_milliseconds() -> None:
    latency_us = percentiles(one_to(1_000))

    assert (latency_us.p50, latency_us.p90, latency_us.p99) == (500, 900, 990)


def test_a_long_latency_is_at_most_a_thousandth_too_high() -> None:
    latency_us = percentiles(to_hdr({counts_index(1_234_567): 20}))

    assert latency_us.p50 is not None
    assert 1_234_567 <= latency_us.p50 <= 1_234_567 * 1.001


@pytest.mark.parametrize("samples", [0, 1, 19])
def test_a_spectrum_needs_enough_samples_for_the_median(samples: int) -> None:
    assert spectrum(one_to(samples)) == ()


def test_a_spectrum_ends_where_ten_samples_are_beyond() -> None:
    points = spectrum(one_to(5_000))

    assert points[0].quantile == 0
    assert points[-1].quantile == pytest.approx(1 - 10 / 5_000)


@given(
    st.dictionaries(
        st.integers(1, HIGHEST_US).map(counts_index), st.integers(1, 5_000), min_size=1, max_size=30
    )
)
def test_a_spectrum_ascends_and_agrees_with_the_percentiles(counts: dict[int, int]) -> None:
    histogram = to_hdr(counts)
    latency_us = percentiles(histogram)

    points = spectrum(histogram)

    assert list(points) == sorted(points)
    values_us = [point.value_us for point in points]
    assert values_us == sorted(values_us)
    at = {round(point.quantile, 9): point.value_us for point in points}
    for quantile, value_us in (
        (0.5, latency_us.p50),
        (0.9, latency_us.p90),
        (0.99, latency_us.p99),
        (0.999, latency_us.p99_9),
    ):
        assert at.get(quantile) == value_us
