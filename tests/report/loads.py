"""Made-up arms under other loads than a closed loop beside the server: rates, and a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from outboxbench.analysis.latency import percentiles
from outboxbench.analysis.summary import summarise
from outboxbench.results.block import Block, Counters, OutcomeCounts
from outboxbench.results.buckets import counts_index
from outboxbench.results.histograms import merge, to_hdr
from outboxbench.results.model import Arm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hdrh.histogram import HdrHistogram
    from pydantic import JsonValue

WINDOW_S = 2.0
ROUNDS = 5
CLIENTS = 16
SETTINGS: dict[str, JsonValue] = {"clients": CLIENTS, "pool_size": CLIENTS}

# Strategy: ok/s in a closed loop.
CAPACITIES = {"asyncpg": 3000.0, "psycopg": 1800.0, "orm-asyncpg": 950.0}
SHARES = (20, 40, 60, 80, 90, 100, 110)

# Strategy: ok/s at 0, 0.5 and 2 ms: who takes fewer round trips wins far from the server.
DISTANCES_MS = (0.0, 0.5, 2.0)
ACROSS = {
    "asyncpg": (3000.0, 1500.0, 600.0),
    "asyncpg-single": (2600.0, 2300.0, 1500.0),
    "orm-asyncpg": (950.0, 800.0, 420.0),
}

ArmAndLatencies = tuple[Arm, "list[HdrHistogram]"]


class _Load(NamedTuple):
    ok_per_s: float
    median_us: float
    skipped_share: float = 0.0


def sweep(
    random: np.random.Generator,
    capacities: Mapping[str, float] = CAPACITIES,
    shares: Sequence[int] = SHARES,
) -> Iterator[ArmAndLatencies]:
    """Each strategy at shares of its own capacity, up to more than it can keep up with."""
    for strategy, capacity in capacities.items():
        for share in shares:
            load = share / 100
            waiting = 1 + 0.6 * load**2 / max(1 - load, 0.004)
            yield _arm(
                random,
                strategy,
                f"{share}% of own",
                {"arrivals": "poisson", "rate": f"{share}% of own", "max_wait_s": 1.0},
                _Load(
                    ok_per_s=min(load, 1) * capacity,
                    median_us=3e6 / capacity * waiting,
                    skipped_share=max(load - 1, 0),
                ),
                offered_per_s=load * capacity,
                capacity_ok_per_s=capacity,
            )


def same_rate(
    random: np.random.Generator, capacities: Mapping[str, float] = CAPACITIES
) -> Iterator[ArmAndLatencies]:
    """All strategies at the same rate, which the slowest of them does at ease."""
    offered_per_s = 0.6 * min(capacities.values())
    for strategy, capacity in capacities.items():
        yield _arm(
            random,
            strategy,
            "60% of slowest",
            {"arrivals": "poisson", "rate": "60% of slowest", "max_wait_s": 1.0},
            _Load(ok_per_s=offered_per_s, median_us=3e6 / capacity),
            offered_per_s=offered_per_s,
            capacity_ok_per_s=capacity,
        )


def across_a_network(
    random: np.random.Generator, rates: Mapping[str, Sequence[float]] = ACROSS
) -> Iterator[ArmAndLatencies]:
    """Closed loops at several distances from the server."""
    for strategy, at_distances in rates.items():
        for distance_ms, ok_per_s in zip(DISTANCES_MS, at_distances, strict=True):
            yield _arm(
                random,
                strategy,
                f"{distance_ms:g} ms away",
                {"network_rtt_ms": distance_ms},
                _Load(ok_per_s=ok_per_s, median_us=CLIENTS / ok_per_s * 0.95e6),
            )


def _arm(
    random: np.random.Generator,
    strategy: str,
    load_name: str,
    settings: Mapping[str, JsonValue],
    load: _Load,
    *,
    offered_per_s: float | None = None,
    capacity_ok_per_s: float | None = None,
) -> ArmAndLatencies:
    blocks, latencies = [], []
    for number in range(ROUNDS):
        ok_per_s = load.ok_per_s * float(random.normal(1, 0.003))
        histogram = _latencies(random, load.median_us, int(ok_per_s * WINDOW_S))
        latencies.append(histogram)
        blocks.append(_block(number, ok_per_s, histogram, load.skipped_share))
    arm = Arm(
        name=f"{strategy}/uvloop/charge/{load_name}",
        role="strategy",
        strategy=strategy,
        write_plan="statements",
        driver="asyncpg" if "asyncpg" in strategy else "psycopg",
        loop="uvloop",
        profile="matched",
        workload="charge",
        settings={**SETTINGS, **settings},
        offered_per_s=offered_per_s,
        capacity_ok_per_s=capacity_ok_per_s,
        blocks=tuple(blocks),
        summary=summarise(blocks, None, merge(latencies)),
        verdict="pass",
    )
    return arm, latencies


def _block(number: int, ok_per_s: float, histogram: HdrHistogram, skipped_share: float) -> Block:
    samples = histogram.get_total_count()
    return Block(
        round=number,
        position=0,
        seconds=WINDOW_S,
        ok_per_s=ok_per_s,
        outcomes=OutcomeCounts(ok=samples, skipped=int(samples * skipped_share)),
        attempts=samples,
        latency_us=percentiles(histogram),
        counters=Counters(client_cpu_us_per_op=300.0, server_cpu_us_per_op=175.0),
        verdict="pass",
        checks=(),
    )


def _latencies(random: np.random.Generator, median_us: float, samples: int) -> HdrHistogram:
    body = random.lognormal(np.log(median_us), 0.25, samples)
    tail = np.where(random.random(samples) < 0.02, random.exponential(median_us * 3, samples), 0)
    by_index: dict[int, int] = {}
    for value in (body + tail).astype(np.int64).tolist():
        index = counts_index(value)
        by_index[index] = by_index.get(index, 0) + 1
    return to_hdr(by_index)
