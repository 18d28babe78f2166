"""The run document, `run.json`: what was measured, where, and whether it can be believed.

Units stand in the names. A value that could not be measured is null, never 0.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

SCHEMA_VERSION: Final = 1

Verdict = Literal["pass", "fail", "unknown"]
Loop = Literal["asyncio", "uvloop"]
Profile = Literal["idiomatic", "matched"]
WritePlan = Literal["statements", "pipeline", "single", "group"]
Role = Literal["strategy", "ceiling"]
NonNegativeInt = Annotated[int, Field(ge=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]


class Document(BaseModel):
    """Base of every part of the run document: values never change.

    Unknown keys are refused, and so are infinity and NaN, which JSON cannot write.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
    """Latency percentiles in µs; blank where there are too few samples to speak."""

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
        description="share of the window in which clients waited for the harness, not the database",
    )


class Check(Document):
    """One invariant over a block, and what was seen."""

    name: str
    verdict: Verdict
    detail: str


class Block(Document):
    """One arm in one round: the unit of statistics."""

    round: NonNegativeInt
    position: NonNegativeInt = Field(description="place of the block in its round's random order")
    seconds: Annotated[float, Field(gt=0)] = Field(description="length of the timed window")
    ok_per_s: NonNegativeFloat
    outcomes: OutcomeCounts = Field(description="operations that ended inside the window")
    failures: dict[str, NonNegativeInt] = Field(
        default_factory=dict, description="failed operations inside the window, by kind"
    )
    attempts: NonNegativeInt = Field(description="attempts of those operations, retries included")
    latency_us: LatencyUs = Field(description="of ok and ok_recovered operations")
    latencies_clamped: NonNegativeInt = Field(
        default=0, description="latencies above the histogram's range, counted as its highest"
    )
    histogram: str | None = Field(
        default=None, description="HdrHistogram log, path in the run folder"
    )
    counters: Counters
    verdict: Verdict
    checks: tuple[Check, ...]


class Summary(Document):
    """An arm over its rounds."""

    rounds: NonNegativeInt
    ok_per_s_median: NonNegativeFloat
    ok_per_s_min: NonNegativeFloat
    ok_per_s_max: NonNegativeFloat
    ceiling_ratio_median: NonNegativeFloat | None = Field(
        default=None, description="median over rounds of ok/s against the ceiling of the same round"
    )
    outcomes: OutcomeCounts
    latency_us: LatencyUs = Field(description="over the merged rounds")
    client_cpu_us_per_op: NonNegativeFloat | None = None
    server_cpu_us_per_op: NonNegativeFloat | None = None


class Arm(Document):
    """What is measured: a strategy on an event loop, with a profile, a workload and settings."""

    name: str
    role: Role
    strategy: str
    write_plan: WritePlan
    driver: str
    loop: Loop | None = Field(description="null for the ceiling, which is no Python")
    profile: Profile
    workload: str
    settings: dict[str, JsonValue]
    blocks: tuple[Block, ...] = ()
    summary: Summary | None = None
    verdict: Verdict = "unknown"
    checks: tuple[Check, ...] = ()


class Environment(Document):
    """The machine and the software that took part."""

    cpu_model: str | None
    cores: Annotated[int, Field(ge=1)]
    memory_bytes: NonNegativeInt
    kernel: str
    python: str
    implementation: str
    packages: dict[str, str]
    libpq: str | None
    psycopg_implementation: str | None
    data_filesystem: str | None = Field(
        description="type of the file system under the server's data"
    )


class Server(Document):
    """The PostgreSQL server that was measured against."""

    version: str
    origin: Literal["embedded", "pg-bin", "dsn"]
    settings: dict[str, str] = Field(description="every setting that is not the default")


class RunWarning(Document):
    """A reason to doubt a figure, and what to do about it."""

    code: str
    message: str
    advice: str


class Run(Document):
    """One execution of a suite."""

    schema_version: Literal[1] = SCHEMA_VERSION
    suite: str
    command: str = Field(description="how to repeat this run")
    seed: int
    rounds: Annotated[int, Field(ge=1)]
    window_s: Annotated[float, Field(gt=0)]
    started_at: AwareDatetime
    finished_at: AwareDatetime
    complete: bool = Field(description="false when the run was interrupted")
    verdict: Verdict = Field(description="`fail` if any arm failed, `pass` only if all passed")
    environment: Environment
    server: Server
    arms: tuple[Arm, ...]
    warnings: tuple[RunWarning, ...] = ()
