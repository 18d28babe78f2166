"""`outboxbench list`: what can be run, compared and drawn."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from outboxbench.core.strategies.registry import (
    BrokenStrategy,
    load_strategy,
    strategy_names,
)
from outboxbench.harness.errors import BadInput
from outboxbench.harness.faults.registry import FAULTS
from outboxbench.harness.suite.model import list_suites, load_suite


class Listable(StrEnum):
    """What can be listed."""

    STRATEGIES = "strategies"
    SUITES = "suites"
    FAULTS = "faults"
    CHARTS = "charts"


def list_(
    what: Annotated[Listable, typer.Argument(help="What to list.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the strategies that are installed, the suites, the faults, or the charts.

    Example: outboxbench list strategies
    """
    rows = {
        Listable.STRATEGIES: _strategies,
        Listable.SUITES: _suites,
        Listable.FAULTS: _faults,
        Listable.CHARTS: _charts,
    }[what]()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for column in rows[0] if rows else ("nothing",):
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)


def _strategies() -> list[dict[str, str]]:
    return [_strategy(name) for name in strategy_names()]


def _strategy(name: str) -> dict[str, str]:
    try:
        strategy = load_strategy(name)
    except BrokenStrategy as error:
        return {"name": name, "library": "unknown", "driver": "unknown", "write_plan": str(error)}
    return {
        "name": name,
        "library": strategy.library,
        "driver": strategy.driver,
        "write_plan": strategy.write_plan,
    }


def _suites() -> list[dict[str, str]]:
    return [_suite(name, str(path)) for name, path in list_suites().items()]


def _faults() -> list[dict[str, str]]:
    return [
        {"name": name, "touches": kind.reach, "description": kind.description}
        for name, kind in FAULTS.items()
    ]


def _suite(name: str, path: str) -> dict[str, str]:
    try:
        suite = load_suite(name)
    except BadInput as error:
        return {"name": name, "description": str(error), "file": path}
    return {"name": name, "description": suite.description, "file": path}


def _charts() -> list[dict[str, str]]:
    # What draws takes longer to import than most commands take.
    from outboxbench.report.charts.catalogue import CATALOGUE

    return [
        {"name": name, "shows": entry.words.SHOWS, "needs": entry.words.NEEDS}
        for name, entry in CATALOGUE.items()
    ]
