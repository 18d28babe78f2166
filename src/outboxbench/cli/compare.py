"""`outboxbench compare`: two runs of a suite, arm by arm."""

from __future__ import annotations

import json
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer
from rich.console import Console

from outboxbench.analysis.two_runs import compare_runs, obstacles
from outboxbench.cli.noise import noise_of_this_machine
from outboxbench.harness.errors import BadInput
from outboxbench.report.comparison_table import comparison_report
from outboxbench.results.noise_store import NOISE_FILE
from outboxbench.results.run_file import read_run
from outboxbench.results.store import check_histograms


def compare(
    base: Annotated[Path, typer.Argument(help="The folder of the run to compare with.")],
    head: Annotated[Path, typer.Argument(help="The folder of the run to judge.")],
    *,
    force: Annotated[
        bool, typer.Option(help="Compare even where that is doubtful, and say why it is.")
    ] = False,
    noise: Annotated[
        Path, typer.Option(metavar="FILE", help="What `calibrate` has found on this machine.")
    ] = NOISE_FILE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs of a suite; exit with 1 if an arm has become worse, or a verdict failed.

    Example: outboxbench compare results/runs/20260301T120000Z-quick results/runs/…
    """
    base_run, head_run = read_run(base), read_run(head)
    check_histograms(base, base_run)
    check_histograms(head, head_run)
    found = obstacles(base_run, head_run)
    if found.fatal:
        raise BadInput(f"{base} and {head} cannot be compared: {'; '.join(found.fatal)}")
    if found.serious and not force:
        raise BadInput(
            f"{base} and {head} are not compared: {'; '.join(found.serious)}; "
            "--force compares them all the same"
        )
    recorded = noise_of_this_machine(noise, head_run)
    comparisons = compare_runs(base_run, head_run, recorded)
    if as_json:
        documents = [each.model_dump(mode="json") for each in comparisons]
        sys.stdout.write(
            json.dumps({"doubts": found.serious, "comparisons": documents}, indent=2) + "\n"
        )
    else:
        Console().print(
            comparison_report(
                base_run, head_run, comparisons, found.serious, is_calibrated=bool(recorded)
            )
        )
    regressed = any(each.decision == "regression" and not each.is_advisory for each in comparisons)
    if regressed or head_run.verdict != "pass":
        raise typer.Exit(1)
