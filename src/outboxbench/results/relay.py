"""What relays did in a run: how fast they delivered, how late, and whether it was right.

Units stand in the names. A value that could not be measured is null, never 0.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from outboxbench.results.block import Check, LatencyUs
from outboxbench.results.document import (
    Document,
    Loop,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    Verdict,
    WritePlan,
)

RelayScenario = Literal["drain", "chain"]
"""`drain`: a backlog is delivered as fast as it can be. `chain`: orders come at a steady rate, and
each leads to a charge, and that to a confirmation."""

Hop = Literal["handler", "broker", "delivery", "chain"]


class HopLatency(Document):
    """From when a commit was known until a message of it had arrived.

    `handler`: until its handler was called. `broker`: until the broker had confirmed it.
    `delivery`: until all its receivers were done, handlers with their own commits. `chain`: from
    the commit of an order until the broker had confirmed that it is confirmed.
    """

    hop: Hop
    latency_us: LatencyUs


class RelayBlock(Document):
    """One arm in one round."""

    round: NonNegativeInt
    position: NonNegativeInt = Field(description="place of the block in its round's random order")
    seconds: PositiveFloat = Field(
        description="of a drain, until the last message was settled; of a chain, of its window"
    )
    delivered: NonNegativeInt = Field(description="messages settled, whenever")
    delivered_per_s: NonNegativeFloat
    duplicates: NonNegativeInt = Field(description="deliveries that were not a message's first")
    inversions: NonNegativeInt = Field(description="first deliveries after a later message's")
    refused: NonNegativeInt
    dead: NonNegativeInt
    late: NonNegativeInt = Field(description="settlements refused by their fencing token")
    relay_cpu_us_per_message: NonNegativeFloat | None = None
    server_cpu_us_per_message: NonNegativeFloat | None = None
    hops: tuple[HopLatency, ...] = ()
    writes_us: LatencyUs | None = Field(
        default=None, description="latencies of those who placed the orders; chains only"
    )
    backlog: tuple[NonNegativeInt, ...] = Field(
        default=(), description="messages committed and not delivered, at the end of each interval"
    )
    backlog_interval_s: PositiveFloat | None = None
    verdict: Verdict
    checks: tuple[Check, ...]


class RelayRatio(Document):
    """Delivered/s against the reference arm's in the same rounds: mean and 95% interval."""

    base: str
    ratio: PositiveFloat
    low: PositiveFloat
    high: PositiveFloat


class RelaySummary(Document):
    """An arm over its rounds."""

    rounds: NonNegativeInt
    delivered_per_s_median: NonNegativeFloat
    delivered_per_s_min: NonNegativeFloat
    delivered_per_s_max: NonNegativeFloat
    duplicates: NonNegativeInt
    inversions: NonNegativeInt
    hops: tuple[HopLatency, ...] = Field(default=(), description="over the merged rounds")
    writes_us: LatencyUs | None = Field(default=None, description="over the merged rounds")
    relay_cpu_us_per_message: NonNegativeFloat | None = None
    server_cpu_us_per_message: NonNegativeFloat | None = None
    ratio: RelayRatio | None = None


class RelayArm(Document):
    """What is measured: relays of a plan, over a strategy, to a broker."""

    name: str
    scenario: RelayScenario
    strategy: str
    write_plan: WritePlan
    driver: str
    loop: Loop
    plan: str
    broker: str
    relays: NonNegativeInt
    settings: dict[str, JsonValue]
    blocks: tuple[RelayBlock, ...] = ()
    summary: RelaySummary | None = None
    verdict: Verdict = "unknown"
