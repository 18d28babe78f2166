"""The run document, `run.json`: what was measured, where, and whether it can be believed.

Units stand in the names. A value that could not be measured is null, never 0.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, JsonValue

from outboxbench.results.block import Block, Check, LatencyUs, OutcomeCounts
from outboxbench.results.comparison import Comparison
from outboxbench.results.document import (
    Document,
    Loop,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    Profile,
    Role,
    Verdict,
    WritePlan,
)
from outboxbench.results.faults import FaultArm
from outboxbench.results.machine import Environment, NetworkDelay, Pinning, Server
from outboxbench.results.relay import RelayArm

SCHEMA_VERSION: Final = 2


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
    schedule_lag_us: LatencyUs | None = Field(
        default=None, description="over the merged rounds; open loop only"
    )
    generator_lag_us: LatencyUs | None = Field(
        default=None, description="over the merged rounds; open loop only"
    )
    client_cpu_us_per_op: NonNegativeFloat | None = None
    server_cpu_us_per_op: NonNegativeFloat | None = None


class WorkerEnvironment(Document):
    """Another environment than the harness's own."""

    name: str
    python: str
    packages: dict[str, str] = Field(description="the versions of what is measured")


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
    offered_per_s: PositiveFloat | None = Field(
        default=None, description="arrivals per second of an open loop; null for a closed one"
    )
    capacity_ok_per_s: PositiveFloat | None = Field(
        default=None,
        description="in a closed loop, before the rounds: what rates in per cent refer to",
    )
    busy_wait_us: NonNegativeFloat = Field(
        default=0, description="a slowdown planted in every operation, to test the harness"
    )
    copy_number: Annotated[int, Field(ge=1)] = Field(
        default=1, description="tells twins apart, which differ in nothing else"
    )
    prepared_for: str | None = Field(
        default=None, description="the relay plan that the database had the tables of"
    )
    environment: WorkerEnvironment | None = Field(
        default=None, description="where its workers ran, if not where the harness did"
    )
    server: str | None = Field(
        default=None, description="the server that it was measured on, if there were several"
    )
    source_lines: NonNegativeInt | None = Field(
        default=None,
        description="lines of code that the strategy is, without what strategies of different "
        "libraries share; null for the ceiling, and where its source was not to be had",
    )
    blocks: tuple[Block, ...] = ()
    summary: Summary | None = None
    verdict: Verdict = "unknown"
    checks: tuple[Check, ...] = ()


class RunWarning(Document):
    """A reason to doubt a figure, and what to do about it."""

    code: str
    message: str
    advice: str


class Run(Document):
    """One execution of a suite."""

    schema_version: Literal[2] = SCHEMA_VERSION
    suite: str
    command: str = Field(description="how to repeat this run")
    seed: int
    rounds: Annotated[int, Field(ge=1)] = Field(description="planned, without the added ones")
    rounds_added: NonNegativeInt = Field(
        default=0, description="rounds measured once more for what was inconclusive"
    )
    window_s: PositiveFloat
    warm_up_s: NonNegativeFloat | None = Field(
        default=0, description="null where an older version did not write it down"
    )
    started_at: AwareDatetime
    finished_at: AwareDatetime
    resumed_at: tuple[AwareDatetime, ...] = Field(
        default=(), description="when it went on after an interruption"
    )
    complete: bool = Field(description="false when the run was interrupted")
    verdict: Verdict = Field(description="`fail` if any arm failed, `pass` only if all passed")
    environment: Environment
    server: Server
    other_servers: tuple[Server, ...] = Field(
        default=(), description="where arms were measured on several: the others"
    )
    pinning: Pinning = Pinning()
    network: tuple[NetworkDelay, ...] = Field(
        default=(), description="the delays of a simulated network, as they were measured"
    )
    reference: str | None = Field(
        default=None, description="the strategy that the others are compared with"
    )
    calibrated_at: AwareDatetime | None = Field(
        default=None, description="when the noise was recorded that the margins come from"
    )
    arms: tuple[Arm, ...]
    relays: tuple[RelayArm, ...] = Field(
        default=(), description="what was measured of relays, beside the arms"
    )
    faults: tuple[FaultArm, ...] = Field(
        default=(), description="what strategies went through, in the order in which they did"
    )
    comparisons: tuple[Comparison, ...] = ()
    warnings: tuple[RunWarning, ...] = ()
    sha256: str | None = Field(
        default=None, description="of this document without this value, as it was written"
    )
