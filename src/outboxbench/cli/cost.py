"""`outboxbench cost`: the price list of one command, from the wire to the disk."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from outboxbench.analysis.cost_baseline import compares_log, differences
from outboxbench.cli.names import names_in
from outboxbench.cli.progress import show_cost_progress
from outboxbench.harness.cost.plan import (
    DEFAULT_TIMED_OPERATIONS,
    CostPlan,
    chosen_profiles,
    chosen_strategies,
    chosen_workloads,
)
from outboxbench.harness.cost.runner import take_prices
from outboxbench.harness.errors import BadInput
from outboxbench.report.cost_table import cost_report
from outboxbench.results.cost_baseline import baseline_of, read_baseline, write_baseline
from outboxbench.results.cost_store import CostFolder

if TYPE_CHECKING:
    from outboxbench.results.cost import Costs

DEFAULT_OUT = Path("results/costs")


def cost(
    *,
    only: Annotated[
        str | None, typer.Option(help="Price these strategies alone, separated by commas.")
    ] = None,
    workload: Annotated[
        str | None, typer.Option(help="What the client asks for; charge,place,amend if left out.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="matched or idiomatic; both if left out.")
    ] = None,
    operations: Annotated[
        int,
        typer.Option(metavar="N", help="How many operations are timed, in each of three rounds."),
    ] = DEFAULT_TIMED_OPERATIONS,
    counts_only: Annotated[
        bool, typer.Option("--counts-only", help="Count what goes over the wire; time nothing.")
    ] = False,
    pg_bin: Annotated[
        Path | None,
        typer.Option("--pg-bin", metavar="DIR", help="Start the PostgreSQL of this folder."),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Exit with 1 if counts differ from those of this file."),
    ] = None,
    save_baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the counts to this file.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the folder of the results is made.")
    ] = DEFAULT_OUT,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the cost document instead of tables.")
    ] = False,
) -> None:
    """Say what one command takes with each strategy: round trips, bytes, WAL, CPU, time.

    Example: outboxbench cost --only asyncpg,orm-asyncpg --workload charge
    """
    expected = None if baseline is None else read_baseline(baseline)
    if operations < 1:
        raise BadInput(f"--operations cannot be {operations}: it must be 1 or more")
    names = names_in("--only", only)
    plan = CostPlan(
        strategies=chosen_strategies(names),
        workloads=chosen_workloads(names_in("--workload", workload)),
        profiles=chosen_profiles(names_in("--profile", profile)),
        timed_operations=None if counts_only else operations,
    )
    command = _command(only, workload, profile, plan, pg_bin)
    folder = CostFolder.create(out, datetime.now(UTC))
    try:
        with show_cost_progress(Console(stderr=True), plan.steps) as progress:
            costs = take_prices(plan, command, pg_bin, progress)
        folder.write(costs)
        if not counts_only:
            # What draws takes longer to import than most commands take.
            from outboxbench.report.charts.render import render_cost_chart

            render_cost_chart(costs, folder.path)
        if save_baseline is not None:
            write_baseline(save_baseline, baseline_of(costs))
    finally:
        folder.remove_if_empty()
    if as_json:
        # As it is, in whatever encoding the terminal may be: JSON is UTF-8.
        sys.stdout.buffer.write(folder.cost_file.read_bytes())
    else:
        _print(costs, folder)
    changes: list[str] = []
    if baseline is not None and expected is not None:
        changes = differences(expected, costs, names)
        # What another major version writes into its log is no yardstick.
        aside = "" if compares_log(expected, costs) else f", WAL of {expected.server_version} aside"
        _print_differences(f"Baseline {baseline}{aside}", changes, as_json=as_json)
    if costs.verdict != "pass" or changes:
        raise typer.Exit(1)


def _command(
    only: str | None,
    workload: str | None,
    profile: str | None,
    plan: CostPlan,
    pg_bin: Path | None,
) -> str:
    """Return the command that repeats this."""
    words = ["outboxbench", "cost"]
    for option, value in (("--only", only), ("--workload", workload), ("--profile", profile)):
        if value is not None:
            words += [option, value]
    if plan.timed_operations is None:
        words.append("--counts-only")
    else:
        words += ["--operations", str(plan.timed_operations)]
    if pg_bin is not None:
        words += ["--pg-bin", str(pg_bin)]
    return shlex.join(words)


def _print(costs: Costs, folder: CostFolder) -> None:
    console = Console()
    console.print(cost_report(costs))
    # A path that is broken over two lines cannot be copied.
    console.print(Text(f"Results: {folder.path}"), soft_wrap=True)


def _print_differences(title: str, lines: list[str], *, as_json: bool) -> None:
    """Say what differs; beside a document on standard output, on standard error."""
    console = Console(stderr=as_json)
    count = len(lines)
    what = f"{count or 'no'} difference{'' if count == 1 else 's'}"
    console.print(Text(f"{title}: {what}"), soft_wrap=True)
    for line in lines:
        console.print(Text(f"  {line}"), soft_wrap=True)
