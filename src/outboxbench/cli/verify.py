"""`outboxbench verify`: judges the histories of a run again, without the server."""

from __future__ import annotations

import json
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from outboxbench.analysis.verdict import combine
from outboxbench.analysis.verification import Verification, verify
from outboxbench.harness.errors import BadInput
from outboxbench.report.verdicts import VERDICTS, failed_check
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder


def verify_(
    run: Annotated[Path, typer.Argument(help="The folder of the run.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge what a run left of its faults again; exit with 1 unless all of it passes.

    What an arm was there to show, as the loss of an asynchronous failover, counts as passed.

    Example: outboxbench verify results/runs/20260301T120000Z-faults-quick
    """
    document = read_run(run)
    if not document.faults:
        raise BadInput(
            f"{run} has no history to judge: name a run of a suite with [[faults]], as faults-quick"
        )
    folder = RunFolder.at(run)
    if folder.reference is not None:
        raise BadInput(
            f"{run} is a reference, which its histories were left out of: verify the run itself"
        )
    verifications = list(verify(document, folder.path))
    if as_json:
        sys.stdout.write(json.dumps([_document(each) for each in verifications], indent=2) + "\n")
    else:
        _print(Console(), verifications)
    if combine(each.counts_as for each in verifications) != "pass" or not all(
        each.agrees for each in verifications
    ):
        raise typer.Exit(1)


def _document(verification: Verification) -> dict[str, object]:
    return {
        "arm": verification.arm.name,
        "history": verification.arm.history,
        "verdict": verification.verdict,
        "agrees": verification.agrees,
        "checks": [check.model_dump(mode="json") for check in verification.judgement.checks],
        "expected_findings": verification.judgement.expected_findings,
        "loss": verification.judgement.loss.model_dump(mode="json"),
    }


def _print(console: Console, verifications: list[Verification]) -> None:
    for each in verifications:
        line = Text.assemble(VERDICTS[each.verdict], f"  {each.arm.name}")
        if not each.agrees:
            line.append(f"  (the run says {each.arm.verdict}, and not for these reasons)")
        console.print(line, soft_wrap=True)
        for check in each.judgement.checks:
            if check.verdict != "pass" or not each.agrees:
                text = f"  {failed_check(check, each.judgement.expected_findings)}"
                console.print(text, markup=False, soft_wrap=True, highlight=False)
    agreed = sum(each.agrees for each in verifications)
    console.print(
        f"{agreed} of {len(verifications)} histories judged as the run says", highlight=False
    )
