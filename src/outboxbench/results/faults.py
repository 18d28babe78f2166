"""What a strategy went through in a run, and what its history says of it."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, JsonValue, PositiveInt

from outboxbench.results.availability import BlockAvailability
from outboxbench.results.block import Check
from outboxbench.results.document import (
    Document,
    Loop,
    PositiveFloat,
    Profile,
    Verdict,
    WritePlan,
)
from outboxbench.results.loss import Loss
from outboxbench.results.memory import MemorySeries

DRAWN: Final = "drawn"
"""What takes the place of a fault's name where several come in turns."""


class FaultRelaying(Document):
    """The relays beside the clients of an arm."""

    relays: PositiveInt
    plan: Literal["lease", "sharded", "delete"]
    broker: Literal["memory", "nats"]
    wake_up: Literal["notify", "announce", "poll"]
    handlers: PositiveInt = Field(description="messages that a relay handles at a time")
    batch: PositiveInt = Field(description="messages that a relay claims at most")
    lease_s: PositiveFloat


class FaultArm(Document):
    """One strategy under one fault, injected again and again, or under several in turns."""

    name: str
    fault: str = Field(
        description="`drawn` where several come in turns: each injection has its own"
    )
    strategy: str
    write_plan: WritePlan
    driver: str
    loop: Loop
    profile: Profile
    retries: str
    synchronous_commit: Literal["on", "off"] = Field(
        default="on", description="of every session of the clients"
    )
    find_by: Literal["proxy", "hosts"] = Field(
        default="proxy",
        description="how clients find a server that took over: through a proxy that moves with it, "
        "or since they know both hosts",
    )
    isolation: Literal["read committed", "repeatable read", "serializable"] = Field(
        default="read committed", description="of the clients' transactions"
    )
    workload: str
    relaying: FaultRelaying | None = Field(default=None, description="null where there are none")
    capacity_per_s: PositiveFloat | None = Field(
        default=None,
        description="good operations a second of the same clients through the same kind of link in "
        "a closed loop, before anything failed; null where nobody measured",
    )
    settings: dict[str, JsonValue]
    history: str = Field(description="its path in the run folder")
    history_sha256: str = Field(description="of that file")
    checks: tuple[Check, ...]
    verdict: Verdict
    expected_findings: tuple[str, ...] = Field(
        default=(),
        description="checks that the arm is there to fail: where they do, the verdict says so, and "
        "that of the run is no worse for it",
    )
    loss: Loss = Field(default=Loss(), description="what was acknowledged and is not there")
    availability: BlockAvailability
    memory: tuple[MemorySeries, ...] = Field(
        default=(), description="of faults that come in turns; the memory of everybody, over time"
    )
