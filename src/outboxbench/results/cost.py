"""The cost document, `cost.json`: what one command takes with each strategy.

All figures are those of one operation, on average over a fixed number of them. A figure that this
server or platform cannot tell is null, never 0.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field

from outboxbench.results.block import Check
from outboxbench.results.document import Document, NonNegativeFloat, Profile, Verdict, WritePlan
from outboxbench.results.machine import Environment, Server

COST_SCHEMA_VERSION: Final = 1

MessageCounts = Annotated[
    dict[str, NonNegativeFloat], Field(description="by their names in PostgreSQL's protocol")
]


class CommandCounts(Document):
    """What one operation took, counted; the wire's figures are exact."""

    round_trips: NonNegativeFloat
    direction_changes: NonNegativeFloat = Field(
        description="messages of the server that follow one of the client"
    )
    statements: NonNegativeFloat
    transactions: NonNegativeFloat = Field(
        description="as the server sees them: a statement outside a block is one by itself"
    )
    commits: NonNegativeFloat = Field(description="of explicit transactions")
    rollbacks: NonNegativeFloat
    frontend_messages: MessageCounts
    backend_messages: MessageCounts
    frontend_bytes: NonNegativeFloat
    backend_bytes: NonNegativeFloat
    wal_records: NonNegativeFloat | None
    wal_bytes: NonNegativeFloat | None = Field(description="without images of full pages")
    blocks_dirtied: NonNegativeFloat | None = Field(
        description="blocks that a checkpoint has to write; operations that share one share it"
    )

    @property
    def frontend_message_count(self) -> float:
        """Messages of the client, whatever their names."""
        return sum(self.frontend_messages.values())

    @property
    def backend_message_count(self) -> float:
        """Messages of the server, whatever their names."""
        return sum(self.backend_messages.values())


class CommandTime(Document):
    """Where the wall time of one operation went, and what it took of the processors.

    The wall time is the sum of the five parts that follow it, less the overlap.
    """

    wall_us: NonNegativeFloat
    server_executing_us: NonNegativeFloat | None = Field(
        description="CPU of all processes of the server besides that of bare round trips"
    )
    wal_sync_us: NonNegativeFloat | None = Field(
        description="what the syncs of the log took besides the CPU in them"
    )
    wire_us: NonNegativeFloat = Field(description="round trips × the time of a bare one")
    client_executing_us: NonNegativeFloat = Field(
        description="CPU of the client besides that of bare round trips"
    )
    client_waiting_us: NonNegativeFloat | None = Field(
        description="what is left: event loop wake-ups, scheduling, other waits of the server"
    )
    overlap_us: NonNegativeFloat | None = Field(
        description="by how much the parts exceed the wall time: client and server worked at once"
    )
    client_cpu_us: NonNegativeFloat = Field(description="of the whole process")
    server_cpu_us: NonNegativeFloat | None = Field(description="of all processes of the server")
    wal_syncs: NonNegativeFloat = Field(description="waits for the log to reach the disk")


class BareRoundTrip(Document):
    """An empty query over libpq and back, on the server that the timed operations ran on.

    It was timed before every command; this is the one in the middle.
    """

    wall_us: NonNegativeFloat
    client_cpu_us: NonNegativeFloat
    server_cpu_us: NonNegativeFloat | None


class BareWalSync(Document):
    """A sync of the log after a commit that wrote as little as can be, on the same server."""

    time_us: NonNegativeFloat = Field(description="mean, as the server tells it")
    server_cpu_us: NonNegativeFloat | None = Field(description="how much of that is work")


class CommandCost(Document):
    """The price of one command with one strategy in one profile."""

    strategy: str
    write_plan: WritePlan
    driver: str
    profile: Profile
    workload: str
    counts: CommandCounts
    time: CommandTime | None = Field(description="null when the operations were only counted")
    verdict: Verdict
    checks: tuple[Check, ...] = Field(description="those that did not pass")

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return f"{self.strategy} {self.workload} ({self.profile})"


class Costs(Document):
    """The prices of all commands that were asked for."""

    schema_version: Literal[1] = COST_SCHEMA_VERSION
    command: str = Field(description="how to repeat this")
    started_at: AwareDatetime
    finished_at: AwareDatetime
    verdict: Verdict = Field(description="`fail` if any failed, `pass` only if all passed")
    environment: Environment
    server: Server = Field(description="the one that the operations were timed or counted on")
    counted_operations: Annotated[int, Field(ge=1)]
    timed_operations: Annotated[int, Field(ge=1)] | None = Field(
        description="of each round; null when nothing was timed"
    )
    timed_rounds: Annotated[int, Field(ge=1)] | None = Field(
        description="a command's times are those of its median round"
    )
    bare_round_trip: BareRoundTrip | None
    bare_wal_sync: BareWalSync | None
    commands: tuple[CommandCost, ...]
