"""Suites of faults that are over soon, and what the tests of them share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from outboxbench.cli.main import app
from outboxbench.harness.suite.model import Suite

if TYPE_CHECKING:
    from pathlib import Path

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
    """Return a suite of one matrix, with these changes to it."""
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


def verified(folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """Have the histories of a run judged again; return the exit code, and what is said of each."""
    result = CliRunner().invoke(app, ["verify", "--json", str(folder)])
    return result.exit_code, json.loads(result.stdout)
