"""Takes the prices: counts all commands, times them, and gathers both into the cost document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outboxbench.analysis.time_split import split_time
from outboxbench.analysis.verdict import combine
from outboxbench.harness.cost.counting import count_all, counting_server
from outboxbench.harness.cost.plan import TIMED_ROUNDS
from outboxbench.harness.cost.timing import time_all, timing_server
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.suite.surroundings import Surroundings
from outboxbench.results.cost import CommandCost, Costs

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.harness.cost.commands import CostObserver, Priced
    from outboxbench.harness.cost.plan import CostPlan, PlannedCommand
    from outboxbench.harness.cost.timing import Timed
    from outboxbench.results.cost import CommandCounts


def take_prices(plan: CostPlan, command: str, pg_bin: Path | None, observer: CostObserver) -> Costs:
    """Price every command of the plan, on servers of our own.

    Args:
        plan: what is asked for.
        command: what repeats it on a command line.
        pg_bin: the programs to start the servers with; our own if None.
        observer: hears how it comes along.

    Raises:
        BadInput: `pg_bin` holds no PostgreSQL.
        CannotRun: this machine cannot do it, or an operation was not `ok`.
    """
    started_at = datetime.now(UTC)
    with Janitor() as janitor:
        observer.preparing("starting PostgreSQL")
        with counting_server(pg_bin, janitor) as server:
            surroundings = Surroundings.of(server)
            counts = count_all(plan, server, janitor, observer)
        timed = None
        if plan.timed_operations is not None:
            observer.preparing("starting PostgreSQL anew, durable")
            with timing_server(pg_bin, janitor) as server:
                surroundings = Surroundings.of(server)
                timed = time_all(plan, plan.timed_operations, server, janitor, observer)
    commands = tuple(_price(each, counted, timed) for each, counted in counts.items())
    return Costs(
        command=command,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        verdict=combine(each.verdict for each in commands),
        environment=surroundings.environment,
        server=surroundings.server,
        counted_operations=plan.counted_operations,
        timed_operations=plan.timed_operations,
        timed_rounds=None if timed is None else TIMED_ROUNDS,
        bare_round_trip=None if timed is None else timed.round_trip,
        bare_wal_sync=None if timed is None else timed.wal_sync,
        commands=commands,
    )


def _price(
    command: PlannedCommand, counted: Priced[CommandCounts], timed: Timed | None
) -> CommandCost:
    checks, time = counted.checks, None
    if timed is not None:
        timings = timed.commands[command]
        checks = (*checks, *timings.checks)
        time = split_time(
            timings.figures, counted.figures.round_trips, timed.round_trip, timed.wal_sync
        )
    return CommandCost(
        strategy=command.strategy.name,
        write_plan=command.strategy.write_plan,
        driver=command.strategy.driver,
        profile=command.profile,
        workload=command.workload,
        counts=counted.figures,
        time=time,
        verdict=combine(check.verdict for check in checks),
        checks=tuple(check for check in checks if check.verdict != "pass"),
    )
