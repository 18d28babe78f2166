"""Turns what was measured into the parts of the run document, judged and summarised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outboxbench.analysis.checks import judge_block
from outboxbench.analysis.latency import percentiles
from outboxbench.analysis.summary import summarise
from outboxbench.analysis.verdict import combine
from outboxbench.harness.suite.plan import (
    CEILING,
    CeilingArm,
    PlannedArm,
    StrategyArm,
    ceiling_of,
)
from outboxbench.harness.suite.surroundings import Surroundings
from outboxbench.harness.suite.warnings import run_warnings
from outboxbench.results import histograms
from outboxbench.results.block import Block, Counters, OutcomeCounts
from outboxbench.results.model import Arm, Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.suite.blocks import RawBlock
    from outboxbench.harness.suite.measurement import Measurement
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.suite.plan import Plan
    from outboxbench.results.final_state import FinalState
    from outboxbench.results.machine import Environment
    from outboxbench.results.machine import Server as ServerDocument
    from outboxbench.results.store import RunFolder


@dataclass(frozen=True, slots=True)
class RunContext:
    """What holds for the whole run, read before the first block."""

    suite: Suite
    command: str
    environment: Environment
    server: ServerDocument
    started_at: datetime

    @classmethod
    def of(cls, suite: Suite, command: str, server: Server, started_at: datetime) -> RunContext:
        """Describe the machine, the software and the server."""
        surroundings = Surroundings.of(server)
        return cls(
            suite=suite,
            command=command,
            environment=surroundings.environment,
            server=surroundings.server,
            started_at=started_at,
        )


def make_block(
    folder: RunFolder,
    arm: PlannedArm,
    raw: RawBlock,
    before: FinalState,
    *,
    round_number: int,
    position: int,
) -> Block:
    """Judge a block and write its histograms."""
    measured = raw.measurement
    outcomes = OutcomeCounts(**measured.outcomes)
    by_outcome = {
        outcome: histograms.to_hdr(counts)
        for outcome, counts in measured.latency_counts.items()
        if counts
    }
    seconds = raw.window.seconds
    checks = judge_block(measured.tally, before, raw.final_state)
    return Block(
        round=round_number,
        position=position,
        seconds=seconds,
        ok_per_s=outcomes.good / seconds,
        outcomes=outcomes,
        failures=dict(measured.failures),
        attempts=measured.attempts,
        latency_us=percentiles(
            histograms.merge(by_outcome[tag] for tag in histograms.GOOD_TAGS if tag in by_outcome)
        ),
        latencies_clamped=measured.clamped,
        histogram=folder.write_histograms(
            f"{arm.name}-round-{round_number}",
            by_outcome,
            start_s=raw.opened_at_s,
            end_s=raw.opened_at_s + seconds,
        )
        if by_outcome
        else None,
        counters=_counters(measured, outcomes.attempted, seconds),
        verdict=combine(check.verdict for check in checks),
        checks=checks,
    )


def make_run(
    context: RunContext,
    plan: Plan,
    blocks: Mapping[PlannedArm, Sequence[Block]],
    folder: RunFolder,
    *,
    complete: bool,
) -> Run:
    """Put the document together from the blocks measured so far."""
    arms = tuple(
        _make_arm(arm, context.suite, blocks, folder) for arm in plan.arms if blocks.get(arm)
    )
    return Run(
        suite=context.suite.name,
        command=context.command,
        seed=context.suite.seed,
        rounds=context.suite.rounds,
        window_s=context.suite.window_s,
        started_at=context.started_at,
        finished_at=datetime.now(UTC),
        complete=complete,
        verdict=combine(arm.verdict for arm in arms),
        environment=context.environment,
        server=context.server,
        arms=arms,
        warnings=run_warnings(context.suite, context.environment, context.server, arms),
    )


def _make_arm(
    arm: PlannedArm,
    suite: Suite,
    blocks: Mapping[PlannedArm, Sequence[Block]],
    folder: RunFolder,
) -> Arm:
    measured = tuple(blocks[arm])
    match arm:
        case StrategyArm():
            document = Arm(
                name=arm.name,
                role="strategy",
                strategy=arm.strategy.name,
                write_plan=arm.strategy.write_plan,
                driver=arm.strategy.driver,
                loop=arm.loop,
                profile=arm.profile,
                workload=arm.workload,
                settings=_settings(arm, suite, pool_size=arm.pool_size, workers=arm.workers),
            )
            ceiling = ceiling_of(arm)
            ceiling_blocks = None if ceiling is None else blocks.get(ceiling)
        case CeilingArm():
            document = Arm(
                name=arm.name,
                role="ceiling",
                strategy=CEILING,
                write_plan=arm.write_plan,
                driver="libpq",
                loop=None,
                profile=arm.profile,
                workload=arm.workload,
                settings=_settings(arm, suite),
            )
            ceiling_blocks = None
    with_blocks = document.model_copy(update={"blocks": measured})
    return with_blocks.model_copy(
        update={
            "summary": summarise(measured, ceiling_blocks, folder.good_latencies(with_blocks)),
            "verdict": combine(block.verdict for block in measured),
        }
    )


def _settings(arm: PlannedArm, suite: Suite, **own: JsonValue) -> dict[str, JsonValue]:
    return {
        "clients": arm.clients,
        "isolation": arm.isolation,
        "statement_timeout_s": suite.statement_timeout_s,
        "lock_timeout_s": suite.lock_timeout_s,
        "accounts": suite.dataset.accounts,
        "orders": suite.dataset.orders,
        "max_attempts": suite.max_attempts,
        **own,
    }


def _counters(measured: Measurement, operations: int, seconds: float) -> Counters:
    def per_operation_us(cpu_s: float | None) -> float | None:
        return None if cpu_s is None or not operations else cpu_s * 1e6 / operations

    client_cpu_s = measured.client_cpu_s
    return Counters(
        client_cpu_us_per_op=per_operation_us(client_cpu_s),
        server_cpu_us_per_op=per_operation_us(measured.server_cpu_s),
        client_cpu_share=None if client_cpu_s is None else client_cpu_s / seconds,
        harness_idle_share=measured.harness_share,
    )
