"""What the harness and a relay under measurement say to each other: JSON, a line each way."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from outboxbench.core.strategies.settings import StrategySettings

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import AnyRelayPlan
    from outboxbench.harness.load.job import Loop

BrokerName: TypeAlias = Literal["memory", "nats"]

WakeUp: TypeAlias = Literal["notify", "announce", "poll"]
"""How a relay learns of a commit: it is told within it, told after it, or looks."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is, unless it is the relay's own memory; the password is in no file."""

    name: BrokerName
    url: str = ""
    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class RelayJob:
    """What a relay has to do.

    With a `backlog` of so many messages it ends once those are delivered, else when it is told to.
    Its records go to the folder `records`, under names that begin with `name`.
    """

    name: str
    settings: StrategySettings
    loop: Loop
    plan: AnyRelayPlan
    broker: BrokerAddress
    batch: int
    handlers: int
    busy_us: float
    wake_up: WakeUp
    backlog: int | None
    lease_s: float
    records: str

    def to_json(self) -> str:
        """Return the job as one line; it holds passwords, so it goes through a pipe alone."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> RelayJob:
        """Read a job back."""
        fields = json.loads(line)
        return cls(
            settings=StrategySettings.of_fields(fields.pop("settings")),
            broker=BrokerAddress(**fields.pop("broker")),
            **fields,
        )


@dataclass(frozen=True, slots=True)
class RelayResult:
    """What a relay did, from when it was told to go until it had settled its last message."""

    delivered: int
    refused: int
    dead: int
    late: int
    outages: int
    began_ns: int
    ended_ns: int
    cpu_ns: int
