"""Turns what was measured into the parts of the run document, judged, compared and summarised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outboxbench.analysis.comparison import compare_arms
from outboxbench.analysis.noise import margin
from outboxbench.analysis.summary import summarise
from outboxbench.analysis.verdict import as_expected, combine
from outboxbench.analysis.warnings import run_warnings
from outboxbench.harness.source_lines import source_lines
from outboxbench.harness.suite.pairs import pairs
from outboxbench.harness.suite.plan import (
    CEILING,
    CeilingArm,
    PlannedArm,
    ServiceArm,
    StrategyArm,
    ceiling_of,
)
from outboxbench.results.histograms import GENERATOR_LAG_TAG, SCHEDULE_LAG_TAG
from outboxbench.results.model import Arm, Run
from outboxbench.results.model import WorkerEnvironment as EnvironmentDocument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hdrh.histogram import HdrHistogram
    from pydantic import JsonValue

    from outboxbench.analysis.comparison import Judging
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment
    from outboxbench.harness.suite.fault_plan import FaultArm
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.suite.plan import Plan
    from outboxbench.harness.suite.relay_plan import RelayRounds
    from outboxbench.results.block import Block
    from outboxbench.results.comparison import Comparison, Metric
    from outboxbench.results.faults import FaultArm as FaultArmDocument
    from outboxbench.results.machine import Environment, NetworkDelay, Pinning
    from outboxbench.results.machine import Server as ServerDocument
    from outboxbench.results.noise import Noise
    from outboxbench.results.relay import RelayArm
    from outboxbench.results.store import RunFolder


@dataclass(frozen=True, slots=True)
class RunContext:
    """What holds for the whole run, known before the first block."""

    suite: Suite
    plan: Plan
    relays: RelayRounds
    faults: Sequence[FaultArm]
    command: str
    noise: Noise | None
    judging: Judging
    reference: str | None
    environment: Environment
    server: ServerDocument
    other_servers: tuple[ServerDocument, ...]
    pinning: Pinning
    network: tuple[NetworkDelay, ...]
    started_at: datetime
    resumed_at: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run has measured so far; an interrupted one is made of it.

    Capacities are ok/s of closed loops, rates arrivals per second of open ones; `looks` is how
    often it was looked at whether more is needed.
    """

    blocks: Mapping[PlannedArm, Sequence[Block]]
    relays: Sequence[RelayArm]
    faults: Sequence[FaultArmDocument]
    capacities_per_s: Mapping[StrategyArm, float]
    offered_per_s: Mapping[StrategyArm, float]
    rounds_added: int
    looks: int
    complete: bool


def make_run(context: RunContext, measured: Measured, folder: RunFolder) -> Run:
    """Put the document together."""
    suite = context.suite
    arms = tuple(
        _summarised(arm, context, measured, folder)
        for arm in context.plan.arms
        if measured.blocks.get(arm)
    )
    run = Run(
        suite=suite.name,
        command=context.command,
        seed=suite.seed,
        rounds=suite.rounds,
        rounds_added=measured.rounds_added,
        window_s=suite.window_s,
        warm_up_s=suite.warm_up_s,
        started_at=context.started_at,
        resumed_at=context.resumed_at,
        finished_at=datetime.now(UTC),
        complete=measured.complete,
        verdict=combine(
            [
                *(arm.verdict for arm in arms),
                *(relays.verdict for relays in measured.relays),
                *(as_expected(each.checks, each.expected_findings) for each in measured.faults),
            ]
        ),
        environment=context.environment,
        server=context.server,
        other_servers=context.other_servers,
        pinning=context.pinning,
        network=context.network,
        reference=context.reference,
        calibrated_at=None if context.noise is None else context.noise.measured_at,
        arms=arms,
        relays=tuple(measured.relays),
        faults=tuple(measured.faults),
        comparisons=compare(context, measured),
    )
    return run.model_copy(update={"warnings": run_warnings(run)})


def compare(context: RunContext, measured: Measured) -> tuple[Comparison, ...]:
    """Compare every arm that has a base with it, as far as both were measured."""
    noise = context.noise

    def margin_of(metric: Metric, rounds: int) -> float:
        return margin(None if noise is None else noise.metrics.get(metric), rounds)

    arms = [arm for arm in context.plan.arms if measured.blocks.get(arm)]
    documents = {arm: _with_blocks(arm, context.suite, measured) for arm in arms}
    return compare_arms(
        [(documents[base], documents[head]) for base, head in pairs(arms, context.reference)],
        margin_of,
        context.judging,
        measured.looks,
    )


def _summarised(arm: PlannedArm, context: RunContext, measured: Measured, folder: RunFolder) -> Arm:
    document = _with_blocks(arm, context.suite, measured)
    ceiling = ceiling_of(arm) if isinstance(arm, StrategyArm) else None
    ceiling_blocks = None if ceiling is None else measured.blocks.get(ceiling)

    def lag(tag: str) -> HdrHistogram | None:
        return None if document.offered_per_s is None else folder.durations(document, (tag,))

    summary = summarise(
        document.blocks,
        ceiling_blocks,
        folder.good_latencies(document),
        schedule_lag=lag(SCHEDULE_LAG_TAG),
        generator_lag=lag(GENERATOR_LAG_TAG),
    )
    return document.model_copy(
        update={
            "summary": summary,
            "verdict": combine(block.verdict for block in document.blocks),
        }
    )


def _with_blocks(arm: PlannedArm, suite: Suite, measured: Measured) -> Arm:
    match arm:
        case StrategyArm():
            return Arm(
                name=arm.name,
                role="strategy",
                strategy=arm.strategy.name,
                write_plan=arm.strategy.write_plan,
                driver=arm.strategy.driver,
                loop=arm.loop,
                profile=arm.profile,
                workload=arm.workload,
                settings=_settings(
                    arm, suite, pool_size=arm.pool_size, workers=arm.workers, **_open_loop(arm)
                ),
                offered_per_s=measured.offered_per_s.get(arm),
                capacity_ok_per_s=measured.capacities_per_s.get(arm.as_closed_loop),
                busy_wait_us=arm.busy_wait_us,
                copy_number=arm.copy_number,
                prepared_for=None if arm.prepared_for == "nothing" else arm.prepared_for,
                environment=_environment(arm.environment),
                server=None if arm.server is None else arm.server.name,
                source_lines=source_lines(arm.strategy),
                blocks=tuple(measured.blocks[arm]),
            )
        case ServiceArm():
            return Arm(
                name=arm.name,
                role="strategy",
                strategy=arm.strategy.name,
                write_plan=arm.strategy.write_plan,
                driver=arm.strategy.driver,
                loop=arm.loop,
                profile=arm.profile,
                workload=arm.workload,
                settings=_settings(
                    arm,
                    suite,
                    over="http",
                    instances=arm.instances,
                    relays=arm.relays,
                    pool_size=arm.pool_size,
                    load_processes=arm.processes,
                ),
                source_lines=source_lines(arm.strategy),
                blocks=tuple(measured.blocks[arm]),
            )
        case CeilingArm():
            return Arm(
                name=arm.name,
                role="ceiling",
                strategy=CEILING,
                write_plan=arm.write_plan,
                driver="libpq",
                loop=None,
                profile=arm.profile,
                workload=arm.workload,
                settings=_settings(arm, suite),
                server=None if arm.server is None else arm.server.name,
                blocks=tuple(measured.blocks[arm]),
            )


def _environment(environment: WorkerEnvironment | None) -> EnvironmentDocument | None:
    if environment is None:
        return None
    return EnvironmentDocument(
        name=environment.name,
        python=environment.python,
        packages=dict(environment.packages),
    )


def _open_loop(arm: StrategyArm) -> dict[str, JsonValue]:
    load = arm.open_loop
    if load is None:
        return {}
    return {"arrivals": load.process, "rate": str(load.rate), "max_wait_s": load.max_wait_s}


def _settings(arm: PlannedArm, suite: Suite, **own: JsonValue) -> dict[str, JsonValue]:
    network = {} if arm.network_rtt_ms is None else {"network_rtt_ms": arm.network_rtt_ms}
    return {
        "clients": arm.clients,
        "isolation": arm.isolation,
        "statement_timeout_s": suite.statement_timeout_s,
        "lock_timeout_s": suite.lock_timeout_s,
        "accounts": suite.dataset.accounts,
        "orders": suite.dataset.orders,
        "max_attempts": suite.max_attempts,
        **network,
        **own,
    }
