"""Made-up relay arms, as a machine with two cores might leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.analysis import runs

from outboxbench.analysis.verdict import combine
from outboxbench.results.block import Check, LatencyUs
from outboxbench.results.relay import HopLatency, RelayArm, RelayBlock, RelayRatio, RelaySummary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from outboxbench.results.document import Verdict
    from outboxbench.results.model import Run
    from outboxbench.results.relay import Hop

ROUNDS = 3
MESSAGES = 10_000
INTERVALS = 60
FAULT = "2 of 10000 were never delivered"
HOP_MEDIANS_US: dict[Hop, float] = {
    "handler": 1500.0,
    "broker": 1900.0,
    "delivery": 2600.0,
    "chain": 9000.0,
}

_DRAIN: dict[str, JsonValue] = {
    "messages": MESSAGES,
    "aggregates": 1000,
    "shape": "interleaved",
    "batch": 500,
    "busy_us": 0.0,
    "lease_s": 10.0,
}
_CHAIN: dict[str, JsonValue] = {
    "orders_per_s": 150.0,
    "clients": 8,
    "handlers": 8,
    "wake_up": "notify",
    "batch": 500,
    "lease_s": 10.0,
}


def run(*relays: RelayArm, **changes: Any) -> Run:
    """A run of relays alone."""
    verdict = combine(arm.verdict for arm in relays)
    settings = {"relays": relays, "verdict": verdict, "reference": "asyncpg", "rounds": ROUNDS}
    return runs.run().model_copy(update={**settings, "arms": (), **changes})


def drain(
    strategy: str = "asyncpg",
    plan: str = "lease",
    rate: float = 20_000.0,
    *,
    verdict: Verdict = "pass",
    ratio: float | None = None,
    settings: dict[str, JsonValue] | None = None,
    **changes: Any,
) -> RelayArm:
    """An arm whose rounds are 5% apart."""
    rates = [rate * (0.95 + 0.05 * number) for number in range(ROUNDS)]
    blocks = [
        _block(number, verdict, seconds=MESSAGES / each, delivered_per_s=each).model_copy(
            update={
                "backlog": tuple(MESSAGES * left // INTERVALS for left in range(INTERVALS))[::-1],
                "backlog_interval_s": MESSAGES / each / INTERVALS,
            }
        )
        for number, each in enumerate(rates)
    ]
    own = {**_DRAIN, **(settings or {})}
    summary = RelaySummary(
        rounds=ROUNDS,
        delivered_per_s_median=rates[1],
        delivered_per_s_min=rates[0],
        delivered_per_s_max=rates[-1],
        duplicates=0,
        inversions=0,
        relay_cpu_us_per_message=41.2,
        server_cpu_us_per_message=23.4,
        ratio=None
        if ratio is None
        else RelayRatio(base="asyncpg", ratio=ratio, low=ratio * 0.98, high=ratio * 1.02),
    )
    return _arm("drain", strategy, plan, own, blocks, summary, changes)


def chain(
    strategy: str = "asyncpg",
    plan: str = "lease",
    slowness: float = 1.0,
    *,
    verdict: Verdict = "pass",
    samples: int = 5000,
    settings: dict[str, JsonValue] | None = None,
    **changes: Any,
) -> RelayArm:
    """An arm whose latencies are `slowness` times those of the fastest."""
    hops = tuple(
        HopLatency(hop=hop, latency_us=latency(median * slowness, samples))
        for hop, median in HOP_MEDIANS_US.items()
    )
    writes = latency(1800 * slowness, samples)
    blocks = [
        _block(number, verdict, seconds=5.0, delivered_per_s=600.0 + number).model_copy(
            update={
                "hops": hops,
                "writes_us": writes,
                "backlog": (*(3 + (7 * step) % 5 for step in range(INTERVALS)), 0),
                "backlog_interval_s": 5.0 / INTERVALS,
            }
        )
        for number in range(ROUNDS)
    ]
    own = {**_CHAIN, **(settings or {})}
    summary = RelaySummary(
        rounds=ROUNDS,
        delivered_per_s_median=601.0,
        delivered_per_s_min=600.0,
        delivered_per_s_max=602.0,
        duplicates=2,
        inversions=0,
        hops=hops,
        writes_us=writes,
        relay_cpu_us_per_message=310.0,
    )
    return _arm("chain", strategy, plan, own, blocks, summary, changes)


def latency(median_us: float, samples: int) -> LatencyUs:
    """As much as so many samples can tell."""
    if samples < 20:
        return LatencyUs(samples=samples, max=median_us * 9)
    return LatencyUs(
        samples=samples,
        p50=median_us,
        p90=median_us * 2 if samples >= 100 else None,
        p99=median_us * 4 if samples >= 1000 else None,
        max=median_us * 9,
    )


def unmeasured(arm: RelayArm) -> RelayArm:
    """The same arm, of which no block was finished."""
    return arm.model_copy(update={"blocks": (), "summary": None, "verdict": "unknown"})


STRATEGIES = (
    "asyncpg",
    "psycopg",
    "core-asyncpg-single",
    "orm-psycopg",
    "[bold]a-strategy-of-somebody-else-with-a-long-name",
)


def drains(count: int) -> Iterator[RelayArm]:
    """Up to 40 arms of one backlog that differ in everything a label may tell."""
    for number in range(count):
        yield drain(
            STRATEGIES[number % 5],
            ("lease", "sharded", "delete")[number % 3],
            28_000.0 / (1 + number * 0.3),
            ratio=1 / (1 + number * 0.3) if number else None,
            verdict="fail" if number == 2 else "pass",
            broker=("memory", "nats")[number % 2],
            relays=1 + number % 2,
            settings={"batch": 500 if number < 10 else 50},
        )


def chains(count: int) -> Iterator[RelayArm]:
    """Up to 40 arms at one rate that differ in everything a label may tell."""
    for number in range(count):
        yield chain(
            STRATEGIES[number % 5],
            ("lease", "sharded", "delete")[number % 3],
            1 + number / 3,
            verdict="fail" if number == 2 else "unknown" if number == 3 else "pass",
            broker=("memory", "nats")[number % 2],
            relays=1 + number % 2,
            settings={"wake_up": "notify" if number < 10 else "poll"},
        )


def _block(number: int, verdict: Verdict, *, seconds: float, delivered_per_s: float) -> RelayBlock:
    # Only the last round of an arm that fails has failed.
    own: Verdict = verdict if number == ROUNDS - 1 else "pass"
    return RelayBlock(
        round=number,
        position=0,
        seconds=seconds,
        delivered=MESSAGES,
        delivered_per_s=delivered_per_s,
        duplicates=0,
        inversions=0,
        refused=0,
        dead=0,
        late=0,
        verdict=own,
        checks=(
            Check(
                name="every committed message is delivered",
                verdict=own,
                detail="0 of 10000 were never delivered" if own == "pass" else FAULT,
            ),
        ),
    )


def _arm(
    scenario: Any,
    strategy: str,
    plan: str,
    settings: dict[str, JsonValue],
    blocks: list[RelayBlock],
    summary: RelaySummary,
    changes: dict[str, Any],
) -> RelayArm:
    told = [f"{value}" for value in (*changes.values(), *settings.values())]
    return RelayArm(
        name="/".join((scenario, strategy, plan, *told)),
        scenario=scenario,
        strategy=strategy,
        write_plan="statements",
        driver="psycopg" if "psycopg" in strategy else "asyncpg",
        loop="uvloop",
        plan=plan,
        broker="memory",
        relays=1,
        settings=settings,
        blocks=tuple(blocks),
        summary=summary,
        verdict=combine(block.verdict for block in blocks),
    ).model_copy(update=changes)
