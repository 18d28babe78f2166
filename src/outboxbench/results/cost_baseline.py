"""The baseline of costs: a file that is committed, so a line of it is what changed in a command.

It holds the figures that hardly vary; what a change of them means is for the analysis to say.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal

from pydantic import ValidationError

from outboxbench.results.document import Document, NonNegativeFloat
from outboxbench.results.folders import RunReadError, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.results.cost import CommandCounts, Costs

BASELINE_VERSION: Final = 1

# How often libpq asks for answers ahead of time depends on how soon they come.
_VARYING_MESSAGES = ("Flush",)
_DECIMALS = 2


class BaselineFigures(Document):
    """What one operation takes; messages without Flush, whose number varies."""

    round_trips: NonNegativeFloat
    statements: NonNegativeFloat
    transactions: NonNegativeFloat
    frontend_messages: NonNegativeFloat
    backend_messages: NonNegativeFloat
    frontend_bytes: NonNegativeFloat
    backend_bytes: NonNegativeFloat
    wal_records: NonNegativeFloat | None
    wal_bytes: NonNegativeFloat | None


class CostBaseline(Document):
    """The figures of every command: by profile, then by workload, then by strategy."""

    schema_version: Literal[1] = BASELINE_VERSION
    server_version: str
    figures: dict[str, dict[str, dict[str, BaselineFigures]]]


def baseline_of(costs: Costs) -> CostBaseline:
    """Return what a baseline keeps of measured costs."""
    figures: dict[str, dict[str, dict[str, BaselineFigures]]] = {}
    for command in costs.commands:
        of_workload = figures.setdefault(command.profile, {}).setdefault(command.workload, {})
        of_workload[command.strategy] = _figures(command.counts)
    return CostBaseline(server_version=costs.server.version, figures=figures)


def write_baseline(path: Path, baseline: CostBaseline) -> None:
    """Write a baseline, a line a command.

    Raises RunWriteError.
    """
    write_whole(path, _as_text(baseline))


def read_baseline(path: Path) -> CostBaseline:
    """Read a baseline.

    Raises RunReadError when it is missing, damaged, or of another schema version.
    """
    try:
        return CostBaseline.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunReadError(
            f"cannot read the baseline {path} ({error.strerror}):"
            " write one with `outboxbench cost --save-baseline`"
        ) from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise RunReadError(
            f"{path} is no baseline of version {BASELINE_VERSION}:"
            " write it anew with `outboxbench cost --save-baseline`"
        ) from error


def _figures(counts: CommandCounts) -> BaselineFigures:
    def messages(by_name: dict[str, float]) -> float:
        return sum(count for name, count in by_name.items() if name not in _VARYING_MESSAGES)

    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, _DECIMALS)

    return BaselineFigures(
        round_trips=round(counts.round_trips, _DECIMALS),
        statements=round(counts.statements, _DECIMALS),
        transactions=round(counts.transactions, _DECIMALS),
        frontend_messages=round(messages(counts.frontend_messages), _DECIMALS),
        backend_messages=round(messages(counts.backend_messages), _DECIMALS),
        frontend_bytes=round(counts.frontend_bytes, _DECIMALS),
        backend_bytes=round(counts.backend_bytes, _DECIMALS),
        wal_records=rounded(counts.wal_records),
        wal_bytes=rounded(counts.wal_bytes),
    )


def _as_text(baseline: CostBaseline) -> str:
    profiles = (
        f"    {json.dumps(profile)}: {{\n" + ",\n".join(_workloads(workloads)) + "\n    }"
        for profile, workloads in baseline.figures.items()
    )
    return (
        f'{{\n  "schema_version": {baseline.schema_version},\n'
        f'  "server_version": {json.dumps(baseline.server_version)},\n'
        '  "figures": {\n' + ",\n".join(profiles) + "\n  }\n}\n"
    )


def _workloads(workloads: dict[str, dict[str, BaselineFigures]]) -> list[str]:
    return [
        f"      {json.dumps(workload)}: {{\n"
        + ",\n".join(
            f"        {json.dumps(strategy)}: {_line(figures)}"
            for strategy, figures in strategies.items()
        )
        + "\n      }"
        for workload, strategies in workloads.items()
    ]


def _line(figures: BaselineFigures) -> str:
    """Whole numbers without a point, so that a line can be read."""
    values = {
        name: int(value) if value is not None and value == int(value) else value
        for name, value in figures.model_dump().items()
    }
    return json.dumps(values)
