"""`outboxbench calibrate`: how much this machine's figures differ when nothing differs."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer
from rich.console import Console

from outboxbench.analysis.calibration import noise_of
from outboxbench.cli.run import DEFAULT_OUT, carry_out
from outboxbench.harness.errors import BadInput
from outboxbench.harness.suite.model import Suite, load_suite, override
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.runner import RunRequest
from outboxbench.report.noise_table import print_noise
from outboxbench.report.terminal import print_report, warning_lines
from outboxbench.results.noise_store import NOISE_FILE, write_noise
from outboxbench.results.store import RunFolder

SUITE = "aa"
FEWEST_ROUNDS = 8


def calibrate(
    *,
    rounds: Annotated[
        int | None, typer.Option(metavar="N", help="How often both twins are measured.")
    ] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds of each block's window.")
    ] = None,
    noise: Annotated[
        Path, typer.Option(metavar="FILE", help="Where later runs look for the result.")
    ] = NOISE_FILE,
    pg_bin: Annotated[
        Path | None,
        typer.Option("--pg-bin", metavar="DIR", help="Start the PostgreSQL of this folder."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the run's folder is made.")
    ] = DEFAULT_OUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure one arm against itself, keep the noise, and say how many rounds an effect takes.

    Example: outboxbench calibrate
    """
    suite = override(load_suite(SUITE), window_s=duration, rounds=rounds)
    if suite.rounds < FEWEST_ROUNDS:
        raise BadInput(
            f"--rounds must be {FEWEST_ROUNDS} or more: fewer show the noise of this machine badly"
        )
    plan = make_plan(suite)
    folder = RunFolder.create(out, suite.name, datetime.now(UTC))
    run = carry_out(
        RunRequest(
            suite=suite, plan=plan, folder=folder, command=_command(suite, pg_bin), pg_bin=pg_bin
        )
    )
    if run.verdict != "pass":
        # Noise of a run that lost something is no noise to go by.
        print_report(Console(), run, folder.path)
        raise typer.Exit(1)
    found = noise_of(run)
    write_noise(noise, found)
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
    else:
        console = Console()
        print_noise(console, found, noise)
        # The run could not know the noise that it was to measure.
        doubts = [doubt for doubt in run.warnings if doubt.code != "not-calibrated"]
        console.print(*warning_lines(doubts), sep="\n")


def _command(suite: Suite, pg_bin: Path | None) -> str:
    """Return the command that repeats this run."""
    words = ["outboxbench", "calibrate"]
    words += ["--duration", f"{suite.window_s:g}", "--rounds", str(suite.rounds)]
    if pg_bin is not None:
        words += ["--pg-bin", str(pg_bin)]
    return shlex.join(words)
