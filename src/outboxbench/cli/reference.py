"""`outboxbench reference`: a run, small enough to be committed and compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from outboxbench.results.reducing import make_reference, size_bytes
from outboxbench.results.store import RunFolder

REFERENCES: Final = Path("results/reference")


def reference(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    *,
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="Where a folder of the suite's name is made.")
    ] = REFERENCES,
) -> None:
    """Reduce a run to a reference, in place of an earlier one of its suite.

    `report` and `compare` take it like the run itself; what was left out of it is told.

    Example: outboxbench reference results/runs/20260301T120000Z-throughput
    """
    folder = make_reference(run, to)
    made = RunFolder.at(folder).reference
    assert made is not None
    typer.echo(f"{folder} takes {size_bytes(folder) / 1e6:.2f} MB; left out:")
    for what in made.left_out:
        typer.echo(f"  {what}")
