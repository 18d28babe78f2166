from __future__ import annotations

import pytest

from outboxbench.analysis.summary import summarise
from outboxbench.results.block import Block, Counters, LatencyUs, OutcomeCounts
from outboxbench.results.histograms import empty, to_hdr


def block(
    number: int, ok_per_s: float, *, client_us: float | None = None, server_us: float | None = None
) -> Block:
    return Block(
        round=number,
        position=0,
        seconds=1.0,
        ok_per_s=ok_per_s,
        outcomes=OutcomeCounts(ok=int(ok_per_s), failed=1),
        attempts=int(ok_per_s) + 1,
        latency_us=LatencyUs(samples=int(ok_per_s)),
        counters=Counters(client_cpu_us_per_op=client_us, server_cpu_us_per_op=server_us),
        verdict="pass",
        checks=(),
    )


def test_throughput_is_the_median_and_the_range_of_the_rounds() -> None:
    summary = summarise([block(0, 90), block(1, 250), block(2, 100)], None, empty())

    assert summary.rounds == 3
    assert (summary.ok_per_s_min, summary.ok_per_s_median, summary.ok_per_s_max) == (90, 100, 250)


def test_a_round_is_set_against_the_ceiling_of_the_same_round() -> None:
    # The machine was half as fast in round 1: every pair says 50%, the medians would say 67%.
    blocks = [block(1, 100), block(0, 200), block(2, 200)]
    ceiling = [block(0, 400), block(2, 400), block(1, 200)]

    assert summarise(blocks, ceiling, empty()).ceiling_ratio_median == 0.5


def test_a_round_without_its_ceiling_has_no_ratio() -> None:
    blocks = [block(0, 100), block(1, 100), block(2, 300)]
    ceiling = [block(0, 400), block(1, 0)]

    assert summarise(blocks, ceiling, empty()).ceiling_ratio_median == 0.25


@pytest.mark.parametrize("ceiling", [None, [], [block(7, 100)]])
def test_without_a_ceiling_there_is_no_ratio(ceiling: list[Block] | None) -> None:
    assert summarise([block(0, 100)], ceiling, empty()).ceiling_ratio_median is None


def test_outcomes_are_added_and_latencies_come_from_the_merged_rounds() -> None:
    summary = summarise([block(0, 10), block(1, 20)], None, to_hdr({400: 30}))

    assert summary.outcomes == OutcomeCounts(ok=30, failed=2)
    assert (summary.latency_us.samples, summary.latency_us.p50) == (30, 400)


def test_cpu_is_the_median_of_the_rounds_that_know_it() -> None:
    blocks = [
        block(0, 1, client_us=100),
        block(1, 1, client_us=300),
        block(2, 1, client_us=None),
    ]

    summary = summarise(blocks, None, empty())

    assert summary.client_cpu_us_per_op == 200
    assert summary.server_cpu_us_per_op is None


def test_an_arm_that_was_never_measured_has_no_summary() -> None:
    with pytest.raises(ValueError, match="without a block"):
        summarise([], None, empty())
