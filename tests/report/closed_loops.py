"""Made-up arms of closed loops, as a machine with two cores might leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from outboxbench.analysis.latency import percentiles
from outboxbench.analysis.summary import summarise
from outboxbench.analysis.verdict import combine
from outboxbench.results.block import Block, Check, Counters, OutcomeCounts
from outboxbench.results.buckets import counts_index
from outboxbench.results.histograms import merge, to_hdr
from outboxbench.results.model import Arm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hdrh.histogram import HdrHistogram
    from pydantic import JsonValue

    from outboxbench.results.document import Loop, Verdict

CLIENTS = 16
CEILING_OK_PER_S = 4630.0


def closed_loops(
    random: np.random.Generator,
    strategies: Mapping[str, tuple[float, float]],
    failing: Sequence[str],
    rounds: int,
    window_s: float,
) -> list[tuple[Arm, list[HdrHistogram]]]:
    """The ceiling, then every strategy on both event loops, over rounds that drift together."""
    drift = random.normal(1, 0.03, rounds)
    ceiling_blocks, ceiling_latencies = _blocks(
        random, CEILING_OK_PER_S, drift, window_s, verdict="pass", cpu_us=None
    )
    ceiling = _arm("pgbench", None, ceiling_blocks, None, ceiling_latencies)
    arms = [(ceiling, ceiling_latencies)]
    for strategy, rates in strategies.items():
        loops: tuple[Loop, Loop] = ("asyncio", "uvloop")
        for loop, rate in zip(loops, rates, strict=True):
            verdict: Verdict = "fail" if f"{strategy}-{loop}" in failing else "pass"
            blocks, latencies = _blocks(
                random, rate, drift, window_s, verdict=verdict, cpu_us=0.9e6 / rate
            )
            arms.append((_arm(strategy, loop, blocks, ceiling_blocks, latencies), latencies))
    return arms


def _arm(
    strategy: str,
    loop: Loop | None,
    blocks: list[Block],
    ceiling_blocks: list[Block] | None,
    latencies: list[HdrHistogram],
) -> Arm:
    settings: dict[str, JsonValue] = {"clients": CLIENTS, "isolation": "read committed"}
    if loop:
        settings["pool_size"] = CLIENTS
    return Arm(
        name=f"{strategy}-{loop}" if loop else strategy,
        role="strategy" if loop else "ceiling",
        strategy=strategy,
        write_plan="statements",
        driver="asyncpg" if "asyncpg" in strategy else "psycopg",
        loop=loop,
        profile="matched",
        workload="charge",
        settings=settings,
        blocks=tuple(blocks),
        summary=summarise(blocks, ceiling_blocks, merge(latencies)) if blocks else None,
        verdict=combine(block.verdict for block in blocks),
    )


def _blocks(
    random: np.random.Generator,
    rate: float,
    drift: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    window_s: float,
    *,
    verdict: Verdict,
    cpu_us: float | None,
) -> tuple[list[Block], list[HdrHistogram]]:
    blocks, latencies = [], []
    for number, factor in enumerate(drift):
        ok_per_s = rate * float(factor) * float(random.normal(1, 0.015))
        histogram = _latencies(random, ok_per_s, int(ok_per_s * window_s))
        latencies.append(histogram)
        blocks.append(
            Block(
                round=number,
                position=0,
                seconds=window_s,
                ok_per_s=ok_per_s,
                outcomes=OutcomeCounts(ok=histogram.get_total_count()),
                attempts=histogram.get_total_count(),
                latency_us=percentiles(histogram),
                counters=Counters(
                    client_cpu_us_per_op=cpu_us,
                    server_cpu_us_per_op=float(random.normal(175, 4)),
                ),
                verdict=verdict,
                checks=(
                    Check(
                        name="rows against counts",
                        verdict=verdict,
                        detail="412 messages for 413 acknowledged operations"
                        if verdict == "fail"
                        else "as many as acknowledged",
                    ),
                ),
            )
        )
    return blocks, latencies


def _latencies(random: np.random.Generator, ok_per_s: float, samples: int) -> HdrHistogram:
    """A closed loop's: clients / throughput in the middle, and a tail from the disk."""
    median_us = CLIENTS / ok_per_s * 1e6 * 0.95
    body = random.lognormal(np.log(median_us), 0.18, samples)
    tail = np.where(random.random(samples) < 0.01, random.exponential(9_000, samples), 0)
    values, counts = np.unique((body + tail).astype(np.int64), return_counts=True)
    by_index: dict[int, int] = {}
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        index = counts_index(value)
        by_index[index] = by_index.get(index, 0) + count
    return to_hdr(by_index)
