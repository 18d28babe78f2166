"""Suites of faults that are over soon, and what the tests of them share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.console import Console
from typer.testing import CliRunner

from outboxbench.cli.main import command_line
from outboxbench.harness.suite.fault_plan import plan_faults
from outboxbench.harness.suite.model import Suite
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.runner import RunRequest, run_suite
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import RenderableType

QUICK = {
    "strategies": ["asyncpg"],
    "faults": ["reset", "commit-cut-after"],
    "injections": 2,
    "clean_s": 0.3,
    "hold_s": 0.1,
    "recovery_s": 0.3,
    "clients": 4,
}


class Nobody:
    """Hears how a run comes along, and takes no notice."""

    def preparing(self, what: str) -> None: ...

    def adding(self, blocks: int) -> None: ...

    def block_started(self, arm: str, round: int) -> None: ...

    def block_finished(self, arm: str, block: Any) -> None: ...


def suite(**changes: Any) -> Suite:
    seed = changes.pop("seed", 1)
    return Suite.model_validate(
        {
            "name": "tiny",
            "description": "tiny",
            "seed": seed,
            "dataset": {"accounts": 100, "orders": 10},
            "faults": [{**QUICK, **changes}],
        }
    )


def run_on_its_own_server(chosen: Suite, out: Path) -> Path:
    """Run a suite on servers that are started for it; return the folder."""
    folder = RunFolder.create(out, chosen.name, datetime.now(UTC))
    faults = plan_faults(chosen)
    run_suite(
        RunRequest(chosen, make_plan(chosen), folder, "outboxbench run tiny", faults=faults),
        Nobody(),
    )
    return folder.path


def lines(parts: Iterable[RenderableType]) -> list[str]:
    told = StringIO()
    console = Console(width=80, file=told)
    for part in parts:
        console.print(part)
    return [line.rstrip() for line in told.getvalue().splitlines()]


def verified(folder: Path) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(command_line(), ["verify", "--json", str(folder)])
    return result.exit_code, json.loads(result.stdout)
