"""What a suite says of faults: which of them, on which strategies, how often and at what load."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from outboxbench.core.application.outbox import RelayPlan
from outboxbench.core.strategies.settings import Isolation
from outboxbench.harness.faults.doors import FindBy
from outboxbench.harness.faults.registry import FAULTS
from outboxbench.harness.load.job import Loop
from outboxbench.harness.load.retrying import RetryMode
from outboxbench.harness.relaying.job import BrokerName, WakeUp
from outboxbench.harness.suite.parts import (
    BusyWaitUs,
    Count,
    OneOrMore,
    Seconds,
    StrategyName,
    SuitePart,
    WorkloadName,
    one_of,
)

SynchronousCommit = Literal["on", "off"]
FaultName = Annotated[str, AfterValidator(lambda name: one_of(name, FAULTS))]


RatePerS = Annotated[float, Field(strict=True, gt=0, le=100_000)]


class FaultMatrix(SuitePart):
    """Every combination of the values is an arm: a strategy that lives through a fault."""

    strategies: OneOrMore[StrategyName]
    faults: OneOrMore[FaultName]
    drawn: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="one arm lives through all of the faults, in an order that is drawn, as often "
        "as window_s has room for",
    )
    loops: OneOrMore[Loop] = ("uvloop",)
    profiles: OneOrMore[Literal["idiomatic", "matched"]] = ("matched",)
    retries: OneOrMore[RetryMode] = ("safe",)
    max_attempts: Count = 10
    first_retry_s: Seconds = 0.01
    longest_retry_s: Seconds = 0.5
    retry_budget: Annotated[float, Field(strict=True, ge=0, le=10)] = Field(
        default=0.2, description="retries after outages that each operation earns"
    )
    synchronous_commit: OneOrMore[SynchronousCommit] = ("on",)
    find_by: OneOrMore[FindBy] = Field(
        default=("proxy",),
        description="how clients find the server that took over: the proxy that they go through "
        "moves with it, or they know both hosts",
    )
    isolations: OneOrMore[Isolation] = ("read committed",)
    workload: WorkloadName | None = Field(
        default=None, description="charge if absent, or place where there are relays"
    )
    rates_per_s: OneOrMore[RatePerS] = Field(
        default=(200.0,), description="operations that are due each second"
    )
    busy_wait_us: OneOrMore[BusyWaitUs] = Field(
        default=(0.0,), description="a slowdown planted in every operation"
    )
    slo_ms: Annotated[float, Field(strict=True, gt=0, le=60_000)] = Field(
        default=100.0,
        description="longest time from when an operation is due to its end that is fine",
    )
    clients: Count = 16
    workers: Count = 1
    measures_capacity: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="whether it is measured first, once a run, what the clients of each arm can do "
        "at most when nothing fails",
    )
    max_wait_s: Seconds = 1.0
    injections: Count = 9
    clean_s: Seconds = 1.0
    hold_s: Seconds = 1.0
    recovery_s: Seconds = 2.0
    relays: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=0, description="processes beside the clients that deliver what those commit"
    )
    relay_plans: OneOrMore[RelayPlan] = ("lease",)
    brokers: OneOrMore[BrokerName] = ("memory",)
    wake_ups: OneOrMore[WakeUp] = ("notify",)
    handlers: Count = Field(default=8, description="messages that a relay handles at a time")
    batch: Count = 500
    lease_s: Seconds = Field(
        default=2.0,
        description="as short as recovery_s, so that what a killed relay had in hand is delivered "
        "in it; yet longer than any transaction of a relay, which the server ends with the lease",
    )

    @model_validator(mode="after")
    def _clients_for_every_worker(self) -> Self:
        if self.clients % self.workers:
            raise ValueError("clients must be a multiple of workers, so that all have as many")
        return self

    @model_validator(mode="after")
    def _losses_can_be_counted(self) -> Self:
        failovers = [name for name in self.faults if FAULTS[name].replication]
        if failovers and "off" in self.synchronous_commit:
            raise ValueError(
                f'synchronous_commit = "off" cannot be had with {", ".join(failovers)}: what the '
                "former primary has lost itself could not be told from what was not replicated; "
                "give those [[faults]] of their own"
            )
        return self

    @model_validator(mode="after")
    def _hosts_are_two(self) -> Self:
        alone = [name for name in self.faults if not FAULTS[name].replication]
        if alone and "hosts" in self.find_by:
            raise ValueError(
                f'find_by = "hosts" cannot be had with {", ".join(alone)}, where there is no '
                "second server to be found: give failovers [[faults]] of their own"
            )
        return self

    @model_validator(mode="after")
    def _there_is_something_to_have_a_hold_on(self) -> Self:
        storms = [name for name in self.faults if FAULTS[name].needs_snapshots]
        if storms and "read committed" in self.isolations:
            raise ValueError(
                f"{', '.join(storms)} has no hold on clients at read committed: "
                'set isolations = ["repeatable read", "serializable"]'
            )
        return self

    @model_validator(mode="after")
    def _capacity_is_that_of_the_faulted_load(self) -> Self:
        elsewhere = [
            name for name in self.faults if FAULTS[name].replication or FAULTS[name].needs_volume
        ]
        others = [*elsewhere, *(["relays"] if self.relays else [])]
        if self.measures_capacity and others:
            raise ValueError(
                "measures_capacity is of clients alone, on a server without a standby and on its "
                f"usual disk, so it cannot be had with {', '.join(others)}: give those [[faults]] "
                "of their own"
            )
        return self

    @model_validator(mode="after")
    def _what_is_drawn_shares_a_server(self) -> Self:
        failovers = [name for name in self.faults if FAULTS[name].replication]
        if self.drawn and failovers:
            raise ValueError(
                f"{', '.join(failovers)} replaces the server that drawn faults share: "
                "give it [[faults]] of its own"
            )
        if self.drawn and self.injections != type(self).model_fields["injections"].default:
            raise ValueError(
                "drawn faults come as often as window_s has room: leave injections out"
            )
        return self
