"""What a suite says of relays: backlogs to drain, and chains of orders to keep up with."""

from __future__ import annotations

from typing import Annotated, Self, get_args

from pydantic import Field, field_validator, model_validator

from outboxbench.core.application.outbox import AnyRelayPlan, RelayPlan
from outboxbench.harness.load.job import Loop
from outboxbench.harness.relaying.backlog import Shape
from outboxbench.harness.relaying.job import BrokerName, WakeUp
from outboxbench.harness.suite.parts import (
    BusyWaitUs,
    Count,
    OneOrMore,
    Seconds,
    StrategyName,
    SuitePart,
)


class RelayMatrix(SuitePart):
    """What drains and chains have in common: every combination of the values is an arm."""

    strategies: OneOrMore[StrategyName]
    loops: OneOrMore[Loop] = ("uvloop",)
    plans: OneOrMore[AnyRelayPlan] = Field(
        default=get_args(RelayPlan),
        description="how relays share the outbox; `log` only where it is named, as its server "
        "writes more of a log",
    )
    brokers: OneOrMore[BrokerName] = ("memory",)
    relays: OneOrMore[Count] = (1,)
    lease_s: Seconds = 10.0

    @model_validator(mode="after")
    def _one_reader_of_a_log(self) -> Self:
        if "log" in self.plans and max(self.relays) > 1:
            raise ValueError("a log has one reader: with the plan log, relays must be 1")
        return self


class DrainMatrix(RelayMatrix):
    """A backlog that is delivered as fast as it can be."""

    messages: Count = 100_000
    aggregates: Count = 1_000
    shapes: OneOrMore[Shape] = ("interleaved",)
    batches: OneOrMore[Count] = (500,)
    busy_us: OneOrMore[BusyWaitUs] = Field(
        default=(0.0,), description="how long the receiver of a message keeps a core busy"
    )

    @field_validator("aggregates")
    @classmethod
    def _some_for_every_shape(cls, aggregates: int) -> int:
        if aggregates < 2:
            raise ValueError("it must be 2 or more, for one of them to be hot")
        return aggregates


class ChainMatrix(RelayMatrix):
    """Orders at a steady rate, each charged for and confirmed by the transactions that follow."""

    orders_per_s: Annotated[float, Field(strict=True, gt=0, le=100_000)] = 150.0
    clients: Count = 8
    handlers: Count = Field(default=8, description="messages that a relay handles at a time")
    wake_ups: OneOrMore[WakeUp] = ("notify",)
    batch: Count = 500
