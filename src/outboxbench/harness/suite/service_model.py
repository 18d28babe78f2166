"""The part of a suite that measures the service over HTTP, as its author writes it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from outboxbench.harness.suite.parts import (
    Count,
    CountOrZero,
    OneOrMore,
    Seconds,
    StrategyName,
    SuitePart,
    WorkloadName,
)


class ServiceMatrix(SuitePart):
    """Services by their axes: every combination of the values is an arm.

    Clients are Locust's users, who ask again as soon as they have their answer.
    """

    strategies: OneOrMore[StrategyName]
    workloads: OneOrMore[WorkloadName] = ("charge",)
    clients: OneOrMore[Count] = (16,)
    instances: OneOrMore[Count] = (1,)
    relays: OneOrMore[CountOrZero] = Field(
        default=(0,),
        description="processes beside the instances that deliver what is committed, of `place` "
        "alone: each order is then charged for and confirmed",
    )
    pool_size: Count | None = Field(
        default=None, description="connections of each instance; if absent one for each client"
    )
    processes: Count = Field(default=2, description="of Locust, beside its master")
    warm_up_s: Seconds = Field(
        default=2.0, description="before the window, until all connections are warm"
    )

    @model_validator(mode="after")
    def _clients_for_all(self) -> Self:
        least, wanted = min(self.clients), max(self.processes, *self.instances)
        if least < wanted:
            raise ValueError(
                f"clients must be {wanted} or more: one for each instance and process of Locust"
            )
        if any(self.relays) and set(self.workloads) != {"place"}:
            raise ValueError(
                'relays have nothing to do but for workloads = ["place"]: give the other workloads '
                "a [[services]] of their own"
            )
        return self
