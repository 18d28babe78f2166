"""What several workers counted is one measurement, on the wire and in the log, without a loss."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from outboxbench.harness.load.job import WorkerResult
from outboxbench.harness.suite.measurement import Surveillance, from_workers
from outboxbench.results.block import Conditions
from outboxbench.results.buckets import COUNTS_LENGTH
from outboxbench.results.histograms import merge, to_counts, to_hdr

if TYPE_CHECKING:
    from collections.abc import Iterable

INTERVALS = 3
OUTCOMES = ("ok", "failed")

counts = st.dictionaries(st.integers(0, COUNTS_LENGTH - 1), st.integers(1, 10**6), max_size=4)
results = st.builds(
    WorkerResult,
    latency_counts=st.dictionaries(
        st.sampled_from(OUTCOMES), st.lists(counts, min_size=INTERVALS, max_size=INTERVALS)
    ),
    schedule_lag_counts=counts,
    generator_lag_counts=counts,
)


def total(parts: Iterable[dict[int, int]]) -> dict[int, int]:
    merged: Counter[int] = Counter()
    for part in parts:
        merged.update(part)
    return dict(merged)


@given(st.lists(results, max_size=4))
def test_counts_of_workers_are_merged_without_loss(workers: list[WorkerResult]) -> None:
    heard = [WorkerResult.from_message(json.loads(json.dumps(asdict(each)))) for each in workers]

    merged = from_workers(heard, Surveillance(None, None, Conditions()))

    for outcome in OUTCOMES:
        for interval in range(INTERVALS):
            expected = total(
                each.latency_counts[outcome][interval]
                for each in workers
                if outcome in each.latency_counts
            )
            found = merged.latency_counts.get(outcome, [{}] * INTERVALS)[interval]
            assert to_counts(to_hdr(found)) == expected
        assert to_counts(merge(map(to_hdr, merged.latency_counts.get(outcome, ())))) == total(
            counts for each in workers for counts in each.latency_counts.get(outcome, ())
        )
    assert merged.schedule_lag_counts == total(each.schedule_lag_counts for each in workers)
    assert merged.generator_lag_counts == total(each.generator_lag_counts for each in workers)
