"""A block, one arm in one round: what became of its operations, what they cost, what surrounded it.

Units stand in the names. A value that could not be measured is null, never 0.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field

from outboxbench.results.document import (
    Document,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    Verdict,
)


class OutcomeCounts(Document):
    """Operations by outcome; every operation has exactly one."""

    ok: NonNegativeInt = 0
    ok_recovered: NonNegativeInt = 0
    failed: NonNegativeInt = 0
    indeterminate: NonNegativeInt = 0
    skipped: NonNegativeInt = 0

    @property
    def attempted(self) -> int:
        """All operations, whatever became of them."""
        return self.good + self.failed + self.indeterminate + self.skipped

    @property
    def good(self) -> int:
        """Operations that count as goodput."""
        return self.ok + self.ok_recovered

    def __add__(self, other: OutcomeCounts) -> OutcomeCounts:
        return OutcomeCounts(
            ok=self.ok + other.ok,
            ok_recovered=self.ok_recovered + other.ok_recovered,
            failed=self.failed + other.failed,
            indeterminate=self.indeterminate + other.indeterminate,
            skipped=self.skipped + other.skipped,
        )


class LatencyUs(Document):
    """Percentiles of a duration in µs; blank where there are too few samples to speak."""

    samples: NonNegativeInt
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    p99_9: float | None = None
    max: float | None = None


class Counters(Document):
    """What one attempted operation cost; null where this platform or server cannot tell."""

    client_cpu_us_per_op: NonNegativeFloat | None = None
    server_cpu_us_per_op: NonNegativeFloat | None = None
    client_cpu_share: NonNegativeFloat | None = Field(
        default=None, description="client CPU seconds per second of the window; 1 is one core"
    )
    harness_idle_share: NonNegativeFloat | None = Field(
        default=None,
        description="share of the window in which clients of a closed loop waited for the harness, "
        "not the database",
    )


class Conditions(Document):
    """What else went on during the window; null where this platform or server cannot tell.

    Shares are of all cores of the machine together.
    """

    steal_share: NonNegativeFloat | None = Field(
        default=None, description="CPU time that the hypervisor gave to others"
    )
    foreign_cpu_share: NonNegativeFloat | None = Field(
        default=None, description="CPU time of processes that are neither server nor clients"
    )
    load_average: NonNegativeFloat | None = Field(
        default=None, description="of the last minute, when the window closed"
    )
    checkpoints: NonNegativeInt | None = Field(
        default=None, description="checkpoints that began inside the window"
    )
    autovacuums: NonNegativeInt | None = Field(
        default=None, description="vacuums and analyses by autovacuum in the block's database"
    )


class Check(Document):
    """One invariant over a block, and what was seen."""

    name: str
    verdict: Verdict
    detail: str

    @classmethod
    def of(cls, name: str, *, passed: bool, detail: str) -> Self:
        """Return a check that passed or failed."""
        return cls(name=name, verdict="pass" if passed else "fail", detail=detail)


class HttpTimes(Document):
    """What a typical request over HTTP was made of: means over the requests around the median.

    The parts add up to the whole, as medians of parts do not.
    """

    samples: NonNegativeInt = Field(description="requests around the median")
    total_us: NonNegativeFloat = Field(description="as the client saw it")
    client_us: NonNegativeFloat = Field(description="CPU of the process that asked")
    wire_us: NonNegativeFloat = Field(
        description="what neither side tells of: the kernel, and waiting for either to read"
    )
    service_us: NonNegativeFloat = Field(
        description="in the service, around the operation: HTTP, JSON, checks"
    )
    pool_wait_us: NonNegativeFloat = Field(description="for a connection of its pool")
    transaction_us: NonNegativeFloat = Field(description="with that connection")
    busiest_generator_share: NonNegativeFloat | None = Field(
        description="of a core, by the process of the load generator that used most"
    )


class Block(Document):
    """One arm in one round: the unit of statistics."""

    round: NonNegativeInt
    position: NonNegativeInt = Field(description="place of the block in its round's random order")
    seconds: PositiveFloat = Field(description="length of the timed window")
    ok_per_s: NonNegativeFloat = Field(description="good operations that ended inside the window")
    outcomes: OutcomeCounts = Field(
        description="operations of the window: those that ended inside it in a closed loop, those "
        "that were due inside it in an open one"
    )
    failures: dict[str, NonNegativeInt] = Field(
        default_factory=dict, description="failed operations of the window, by kind"
    )
    attempts: NonNegativeInt = Field(description="attempts of those operations, retries included")
    latency_us: LatencyUs = Field(
        description="of ok and ok_recovered operations; in an open loop from when they were due"
    )
    latencies_clamped: NonNegativeInt = Field(
        default=0, description="latencies above the histogram's range, counted as its highest"
    )
    schedule_lag_us: LatencyUs | None = Field(
        default=None, description="from when an arrival was due until it was sent; open loop only"
    )
    generator_lag_us: LatencyUs | None = Field(
        default=None,
        description="from when an arrival was due until the generator had noticed; open loop only",
    )
    histogram: str | None = Field(
        default=None, description="HdrHistogram log, path in the run folder"
    )
    histogram_sha256: str | None = Field(default=None, description="of that log, as it was written")
    counters: Counters
    conditions: Conditions = Conditions()
    http: HttpTimes | None = Field(
        default=None, description="of a service; its client CPU is that of its instances"
    )
    verdict: Verdict
    checks: tuple[Check, ...]
