"""An arm over its rounds: medians and ranges, because the block is the unit of statistics."""

from __future__ import annotations

from functools import reduce
from operator import add
from statistics import median
from typing import TYPE_CHECKING

from outboxbench.analysis.latency import percentiles
from outboxbench.results.model import Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hdrh.histogram import HdrHistogram

    from outboxbench.results.block import Block


def summarise(
    blocks: Sequence[Block],
    ceiling_blocks: Sequence[Block] | None,
    latencies: HdrHistogram,
    *,
    schedule_lag: HdrHistogram | None = None,
    generator_lag: HdrHistogram | None = None,
) -> Summary:
    """Summarise an arm's blocks, against those of its ceiling if it has one.

    `latencies` are the good operations of all blocks, merged; an open loop has lags as well.
    Raises ValueError without a block: an arm that was never measured has no summary.
    """
    if not blocks:
        raise ValueError("an arm without a block has no summary")
    rates = [block.ok_per_s for block in blocks]
    return Summary(
        rounds=len(blocks),
        ok_per_s_median=median(rates),
        ok_per_s_min=min(rates),
        ok_per_s_max=max(rates),
        ceiling_ratio_median=_median_or_none(_ceiling_ratios(blocks, ceiling_blocks or ())),
        outcomes=reduce(add, (block.outcomes for block in blocks)),
        latency_us=percentiles(latencies),
        schedule_lag_us=None if schedule_lag is None else percentiles(schedule_lag),
        generator_lag_us=None if generator_lag is None else percentiles(generator_lag),
        client_cpu_us_per_op=_median_or_none(
            block.counters.client_cpu_us_per_op for block in blocks
        ),
        server_cpu_us_per_op=_median_or_none(
            block.counters.server_cpu_us_per_op for block in blocks
        ),
    )


def _ceiling_ratios(blocks: Sequence[Block], ceiling_blocks: Sequence[Block]) -> list[float]:
    """ok/s against the ceiling of the same round: what slows a round slows both."""
    ceiling_by_round = {block.round: block.ok_per_s for block in ceiling_blocks}
    return [
        block.ok_per_s / ceiling
        for block in blocks
        if (ceiling := ceiling_by_round.get(block.round))
    ]


def _median_or_none(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
