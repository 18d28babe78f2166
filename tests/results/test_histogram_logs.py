from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given, settings
from hypothesis import strategies as st

from outboxbench.results.buckets import COUNTS_LENGTH, HIGHEST_US
from outboxbench.results.histograms import (
    HistogramLogError,
    Interval,
    empty,
    merge,
    read_log,
    to_counts,
    to_hdr,
    write_log,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

START_S = 1_772_366_400.25
sparse_counts = st.dictionaries(st.integers(0, COUNTS_LENGTH - 1), st.integers(1, 10**9))


def histogram_of(*values_us: int) -> HdrHistogram:
    histogram = empty()
    for value_us in values_us:
        assert histogram.record_value(value_us)
    return histogram


@given(sparse_counts)
def test_counts_survive_the_way_to_a_histogram_and_back(counts: dict[int, int]) -> None:
    assert to_counts(to_hdr(counts)) == counts


@given(st.lists(sparse_counts, max_size=4))
def test_merging_loses_no_sample(parts: list[dict[int, int]]) -> None:
    merged = merge(to_hdr(part) for part in parts)

    assert merged.get_total_count() == sum(sum(part.values()) for part in parts)
    for index in {index for part in parts for index in part}:
        assert merged.get_count_at_index(index) == sum(part.get(index, 0) for part in parts)


def test_merging_keeps_the_smallest_and_the_largest_value() -> None:
    merged = merge([histogram_of(70, 90), histogram_of(50, 60)])

    assert (merged.get_min_value(), merged.get_max_value()) == (50, 90)


@pytest.mark.parametrize("counts", [{-1: 1}, {COUNTS_LENGTH: 1}, {5: -1}])
def test_counts_that_no_histogram_has_are_refused(counts: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="no histogram has"):
        to_hdr(counts)


def intervals(
    histograms: Mapping[str, HdrHistogram], start_s: float, length_s: float
) -> list[Interval]:
    """One interval of each outcome, all at the same time."""
    return [Interval(tag, start_s, length_s, histogram) for tag, histogram in histograms.items()]


def test_a_log_gives_back_each_outcome(tmp_path: Path) -> None:
    path = tmp_path / "block.hlog"
    written = {
        "ok": histogram_of(0, 800, 800, 12_345, HIGHEST_US),
        "failed": histogram_of(2_000_000),
        "indeterminate": empty(),
    }

    write_log(path, intervals(written, START_S, 5), start_s=START_S)
    read = read_log(path)

    assert {interval.tag: to_counts(interval.histogram) for interval in read} == {
        tag: to_counts(histogram) for tag, histogram in written.items()
    }


def test_a_log_holds_outcomes_and_intervals_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "block.hlog"
    later = intervals({"ok": histogram_of(2), "failed": histogram_of(3)}, START_S + 1, 1)
    earlier = intervals({"ok": histogram_of(1)}, START_S, 1)

    write_log(path, [*later, *earlier], start_s=START_S)

    assert [(each.tag, each.start_s, each.length_s) for each in read_log(path)] == [
        ("ok", START_S, 1),
        ("failed", START_S + 1, 1),
        ("ok", START_S + 1, 1),
    ]


def test_hdrhistograms_own_reader_reads_a_log(tmp_path: Path) -> None:
    path = tmp_path / "block.hlog"
    write_log(
        path,
        intervals({"failed": histogram_of(300), "ok": histogram_of(100, 200)}, START_S, 5),
        start_s=START_S,
    )

    reader = HistogramLogReader(str(path), empty())
    try:
        first, second = reader.get_next_interval_histogram(), reader.get_next_interval_histogram()
        assert reader.get_next_interval_histogram() is None
        assert reader.get_start_time_sec() == START_S
    finally:
        reader.close()

    assert (first.get_tag(), to_counts(first)) == ("failed", {300: 1})
    assert (second.get_tag(), to_counts(second)) == ("ok", {100: 1, 200: 1})
    assert first.get_start_time_stamp() == START_S * 1000
    assert first.get_end_time_stamp() == (START_S + 5) * 1000


def test_hdrhistograms_own_reader_reads_all_intervals_and_their_sum_is_what_was_recorded(
    tmp_path: Path,
) -> None:
    random = Random(1)
    path = tmp_path / "block.hlog"
    recorded: dict[str, Counter[int]] = {"ok": Counter(), "failed": Counter()}
    written = []
    for number in range(20):
        for tag, total in recorded.items():
            counts = Counter(random.randrange(COUNTS_LENGTH) for _ in range(50))
            total.update(counts)
            written.append(Interval(tag, START_S + number, 1.0, to_hdr(counts)))
    write_log(path, written, start_s=START_S)

    read: dict[str, Counter[int]] = {"ok": Counter(), "failed": Counter()}
    starts_ms: dict[str, list[float]] = {"ok": [], "failed": []}
    reader = HistogramLogReader(str(path), empty())
    try:
        while (histogram := reader.get_next_interval_histogram()) is not None:
            read[histogram.get_tag()].update(to_counts(histogram))
            starts_ms[histogram.get_tag()].append(histogram.get_start_time_stamp())
    finally:
        reader.close()

    assert read == recorded
    for each in starts_ms.values():
        assert each == [(START_S + number) * 1000 for number in range(20)]


@given(
    blocks=st.lists(
        st.lists(st.lists(st.lists(st.integers(0, HIGHEST_US), max_size=5), max_size=3)),
        max_size=4,
    )
)
@settings(max_examples=25, deadline=None)
def test_blocks_workers_and_intervals_are_merged_without_loss(
    blocks: list[list[list[list[int]]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    read: list[HdrHistogram] = []
    for number, workers in enumerate(blocks):
        path = folder / f"{number}.hlog"
        written = [
            Interval("ok", START_S + second, 1.0, histogram_of(*values))
            for values_by_second in workers
            for second, values in enumerate(values_by_second)
        ]
        if written:
            write_log(path, written, start_s=START_S)
            read.extend(interval.histogram for interval in read_log(path))

    everything = histogram_of(
        *(
            value
            for workers in blocks
            for values_by_second in workers
            for values in values_by_second
            for value in values
        )
    )
    assert to_counts(merge(read)) == to_counts(everything)


@given(st.lists(st.lists(st.integers(0, HIGHEST_US), max_size=20), max_size=5))
def test_merging_loses_nothing(parts: list[list[int]]) -> None:
    merged = merge(histogram_of(*part) for part in parts)

    everything = histogram_of(*(value for part in parts for value in part))
    assert to_counts(merged) == to_counts(everything)
    assert merged.get_max_value() == everything.get_max_value()


def test_a_log_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "block.hlog"
    write_log(path, intervals({"ok": histogram_of(100)}, START_S, 1), start_s=START_S)

    with pytest.raises(FileExistsError):
        write_log(path, intervals({"ok": histogram_of(200)}, START_S, 1), start_s=START_S)


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.9, 0.99])
def test_a_truncated_log_is_an_error_and_not_fewer_samples(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "block.hlog"
    outcomes = {"ok": histogram_of(*range(100, 5_000, 7)), "failed": histogram_of(300)}
    write_log(path, intervals(outcomes, START_S, 1), start_s=START_S)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(HistogramLogError, match=r"block\.hlog is damaged"):
        read_log(path)


@pytest.mark.parametrize(
    "content", [b"", b"# only a comment\n", b"Tag=ok,1,2,3,!!!!\n", b"Tag=ok\n", b"\xff\xfe"]
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.hlog"
    path.write_bytes(content)

    with pytest.raises(HistogramLogError):
        read_log(path)


def test_a_log_of_another_precision_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "coarse.hlog"
    coarse = HdrHistogram(1, HIGHEST_US, 2)
    coarse.record_value(100)
    write_log(path, intervals({"ok": coarse}, START_S, 1), start_s=START_S)

    with pytest.raises(HistogramLogError, match="another range or precision"):
        read_log(path)
