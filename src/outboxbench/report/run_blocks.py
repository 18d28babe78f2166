"""A run as blocks of a report: verdict, tables, warnings, environment, and how to repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.report.blocks import Code, Figures, Heading, Paragraph, blocks_of, joined
from outboxbench.report.numbers import how_much
from outboxbench.report.terminal import run_report
from outboxbench.report.verdicts import cautions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.report.blocks import Block
    from outboxbench.results.model import Run


def run_blocks(run: Run) -> tuple[Block, ...]:
    """All that a run tells without its charts."""
    return joined(
        (
            Heading(f"outboxbench: suite {run.suite}, {run.started_at:%Y-%m-%d %H:%M} UTC", 1),
            *(Paragraph((caution,), is_loud=True) for caution in _cautions(run)),
            Paragraph((f"Verdict of the run: {run.verdict}; {how_much(run)}.",)),
            Heading("Results", 2),
            *blocks_of(run_report(run)),
            Heading("Environment", 2),
            _environment(run),
            Heading("To repeat it", 2),
            Code(run.command),
        )
    )


def _cautions(run: Run) -> Iterator[str]:
    """What nobody may overlook."""
    yield from cautions(run)
    if run.verdict != "pass":
        yield f"The verdict of the run is {run.verdict}."


def _environment(run: Run) -> Figures:
    environment, server, pinning = run.environment, run.server, run.pinning
    told = {
        "processor": environment.cpu_model,
        "cores": environment.cores,
        "cores allowed": environment.cpu_limit_cores,
        "CPU governor": environment.cpu_governor,
        "memory, GB": f"{environment.memory_bytes / 1e9:.1f}",
        "kernel": environment.kernel,
        "Python": f"{environment.implementation} {environment.python}",
        "libpq": environment.libpq,
        "psycopg": environment.psycopg_implementation,
        "packages": _listed(environment.packages),
        "file system of the data": environment.data_filesystem,
        "one sync of the log, µs": environment.fsync_us,
        "PostgreSQL": f"{server.version} ({server.origin})",
        "its settings": _listed(server.settings),
        "cores of the server": _cores(pinning.server_cores),
        "cores of the clients": _cores(pinning.client_cores),
        "seed": run.seed,
    }
    return Figures(
        title="",
        columns=("what", "value"),
        is_number=(False, False),
        rows=tuple((name, f"{value}") for name, value in told.items() if value not in {None, ""}),
    )


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items()))


def _cores(cores: tuple[int, ...] | None) -> str | None:
    return None if cores is None else ", ".join(map(str, cores))
