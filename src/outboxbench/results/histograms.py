"""Latency histograms: counts to HdrHistogram and back, merged without loss, and their log files.

A log is an HdrHistogram V2 log with a tagged line for each outcome in each interval of a window
(`Tag=ok,…`), and one for each kind of lag. The package's own `HistogramLogWriter` can write neither
a tag nor a start time, so the lines are written here, in the format that its `HistogramLogReader`
and the Java tools read.
"""

from __future__ import annotations

import binascii
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram

from outboxbench.results.buckets import (
    COUNTS_LENGTH,
    HIGHEST_US,
    LOWEST_US,
    SIGNIFICANT_DIGITS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

GOOD_TAGS = ("ok", "ok_recovered")
"""The outcomes whose latencies are reported: those that count as goodput."""

SCHEDULE_LAG_TAG = "schedule_lag"
GENERATOR_LAG_TAG = "generator_lag"

_US_PER_MS = 1000
_DECODING_ERRORS = (
    UnicodeDecodeError,
    ValueError,
    IndexError,
    binascii.Error,
    zlib.error,
    HdrCookieException,
    HdrLengthException,
)


class HistogramLogError(Exception):
    """A file is no histogram log of ours, or is damaged."""


def empty() -> HdrHistogram:
    """A histogram of the geometry that every file here has."""
    return HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)


def to_hdr(counts: Mapping[int, int]) -> HdrHistogram:
    """The histogram of sparse counts, index (see `buckets.counts_index`) to count.

    Raises ValueError for an index outside the histogram or a negative count.
    """
    histogram = empty()
    for index, count in counts.items():
        if not 0 <= index < COUNTS_LENGTH or count < 0:
            raise ValueError(f"no histogram has count {count} at index {index}")
        if count:
            histogram.record_value(histogram.get_value_from_index(index), count)
    return histogram


def to_counts(histogram: HdrHistogram) -> dict[int, int]:
    """The sparse counts of a histogram: the inverse of `to_hdr`."""
    counts = np.frombuffer(histogram.counts, dtype=np.uint64)
    return {int(index): int(counts[index]) for index in np.flatnonzero(counts)}


def merge(histograms: Iterable[HdrHistogram]) -> HdrHistogram:
    """One histogram of all samples; percentiles of the whole, never a mean of percentiles."""
    # Not HdrHistogram.add: adding to an empty histogram leaves a minimum of 0 behind.
    merged = empty()
    total = np.frombuffer(merged.counts, dtype=np.uint64)
    for histogram in histograms:
        total += np.frombuffer(histogram.counts, dtype=np.uint64)
    occurred = np.flatnonzero(total)
    if len(occurred):
        merged.set_internal_tacking_values(
            int(occurred[0]), int(occurred[-1]), int(total.sum(dtype=np.uint64))
        )
    return merged


class Interval(NamedTuple):
    """The durations of one kind in a stretch of time; seconds since the epoch."""

    tag: str
    start_s: float
    length_s: float
    histogram: HdrHistogram


def write_log(path: Path, intervals: Sequence[Interval], *, start_s: float) -> None:
    """Write tagged histograms in the order of time, for a window that opened at `start_s`.

    Raises FileExistsError rather than overwrite, OSError when the file cannot be written.
    """
    started = datetime.fromtimestamp(start_s, UTC).isoformat(timespec="milliseconds")
    lines = [
        "#[Histogram log format version 1.3]",
        "#[Durations in microseconds; Interval_Max in milliseconds]",
        f"#[StartTime: {start_s:.3f} (seconds since epoch), {started}]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    for interval in sorted(intervals, key=lambda each: (each.start_s, each.tag)):
        max_ms = interval.histogram.get_max_value() / _US_PER_MS
        lines.append(
            f"Tag={interval.tag},{interval.start_s:.3f},{interval.length_s:.3f},{max_ms:.3f},"
            f"{interval.histogram.encode().decode('ascii')}"
        )
    with path.open("x", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def read_log(path: Path) -> tuple[Interval, ...]:
    """The tagged histograms of a log, in its order.

    Raises HistogramLogError when the file is damaged or of another geometry, OSError when it
    cannot be read.
    """
    # Not HistogramLogReader: it skips a line that it does not understand, and its samples with it.
    try:
        intervals = tuple(
            _parse_interval(line)
            for line in path.read_text(encoding="utf-8").splitlines()
            if not line.startswith(("#", '"'))
        )
    except _DECODING_ERRORS as error:
        raise HistogramLogError(f"{path} is damaged, or no histogram log: {error}") from error
    if not intervals:
        raise HistogramLogError(f"{path} is damaged, or no histogram log: it holds no histogram")
    return intervals


def _parse_interval(line: str) -> Interval:
    tag, *times, payload = line.split(",")
    if not tag.startswith("Tag=") or len(times) != 3:
        raise ValueError("a line is no tagged histogram")
    histogram = HdrHistogram.decode(payload)
    geometry = (
        histogram.lowest_trackable_value,
        histogram.highest_trackable_value,
        histogram.significant_figures,
    )
    if geometry != (LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS):
        raise ValueError("a histogram has another range or precision")
    start_s, length_s, _max_ms = map(float, times)
    return Interval(tag.removeprefix("Tag="), start_s, length_s, histogram)
