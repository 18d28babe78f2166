"""What a suite says of faults: which of them, on which strategies, how often and at what load."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from outboxbench.harness.faults.registry import FAULTS
from outboxbench.harness.load.job import Loop
from outboxbench.harness.load.retrying import RetryMode
from outboxbench.harness.suite.parts import (
    Count,
    OneOrMore,
    Seconds,
    StrategyName,
    SuitePart,
    WorkloadName,
    one_of,
)

FaultName = Annotated[str, AfterValidator(lambda name: one_of(name, FAULTS))]


class FaultMatrix(SuitePart):
    """Every combination of the values is an arm: a strategy that lives through a fault."""

    strategies: OneOrMore[StrategyName]
    faults: OneOrMore[FaultName]
    loops: OneOrMore[Loop] = ("uvloop",)
    profiles: OneOrMore[Literal["idiomatic", "matched"]] = ("matched",)
    retries: OneOrMore[RetryMode] = ("safe",)
    max_attempts: Count = 10
    first_retry_s: Seconds = 0.01
    longest_retry_s: Seconds = 0.5
    retry_budget: Annotated[float, Field(strict=True, ge=0, le=10)] = Field(
        default=0.2, description="retries after outages that each operation earns"
    )
    workload: WorkloadName = "charge"
    rate_per_s: Annotated[float, Field(strict=True, gt=0, le=100_000)] = Field(
        default=200.0, description="operations that are due each second"
    )
    clients: Count = 16
    workers: Count = 1
    max_wait_s: Seconds = 1.0
    injections: Count = 9
    clean_s: Seconds = 1.0
    hold_s: Seconds = 1.0
    recovery_s: Seconds = 2.0

    @model_validator(mode="after")
    def _clients_for_every_worker(self) -> Self:
        if self.clients % self.workers:
            raise ValueError("clients must be a multiple of workers, so that all have as many")
        return self
