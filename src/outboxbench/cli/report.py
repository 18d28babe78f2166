"""`outboxbench report`: a run drawn and written down again, from its folder alone."""

from __future__ import annotations

import sys
import webbrowser
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from outboxbench.cli.names import names_in
from outboxbench.cli.noise import noise_of_this_machine
from outboxbench.harness.errors import BadInput
from outboxbench.report.document import (
    MARKDOWN_FILE,
    Told,
    compared_html,
    compared_markdown,
    report_html,
    run_markdown,
)
from outboxbench.report.verdicts import INCOMPLETE
from outboxbench.results.folders import write_whole
from outboxbench.results.noise_store import NOISE_FILE
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from outboxbench.report.charts.render import Format
    from outboxbench.results.model import Run


class ReportFormat(StrEnum):
    """What a report is written as."""

    HTML = "html"
    MD = "md"
    PNG = "png"
    SVG = "svg"


_DRAWN: Final[dict[ReportFormat, tuple[Format, ...]]] = {
    ReportFormat.HTML: ("png", "svg"),
    ReportFormat.PNG: ("png",),
    ReportFormat.SVG: ("svg",),
}


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    *,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="RUN2", help="Put this run beside it, as the base of a comparison."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Draw these charts alone (see `list charts`): a,b,c.")
    ] = None,
    format_: Annotated[
        ReportFormat,
        typer.Option(
            "--format",
            help="html: report.html in the run's folder, with its charts; md: on standard output;"
            " png, svg: the charts alone.",
        ),
    ] = ReportFormat.HTML,
    open_: Annotated[
        bool, typer.Option("--open", help="Open what was written; with md it is report.md.")
    ] = False,
    noise: Annotated[
        Path, typer.Option(metavar="FILE", help="What `calibrate` has found on this machine.")
    ] = NOISE_FILE,
) -> None:
    """Draw a run again and write its report, without a server.

    Example: outboxbench report results/runs/20260301T120000Z-quick --only throughput,ratios --open
    """
    names = _chart_names(only)
    head = _read(run)
    base = None if compare is None else _read(compare)
    if format_ is ReportFormat.MD:
        if names is not None:
            raise BadInput("a report in Markdown has no charts: leave out --only, or choose html")
        _write_markdown(head, base, noise, is_opened=open_)
        return
    told = [_drawn(each, names, format_) for each in (base, head) if each is not None]
    if format_ is not ReportFormat.HTML:
        written = head.folder.charts_folder
    elif base is None:
        written = report_html(told[0])
    else:
        recorded = noise_of_this_machine(noise, head.run)
        written = compared_html(told[0], told[1], recorded)
    typer.echo(f"{written}")
    if open_:
        _open(written)


def _chart_names(only: str | None) -> frozenset[str] | None:
    # What draws takes longer to import than most commands take.
    from outboxbench.report.charts.catalogue import CATALOGUE

    names = names_in("--only", only)
    if names is not None and (unknown := sorted(names - CATALOGUE.keys())):
        raise BadInput(
            f"there is no chart {' or '.join(map(repr, unknown))}: name some of"
            f" {', '.join(CATALOGUE)}"
        )
    return names


class _Read(NamedTuple):
    run: Run
    folder: RunFolder


def _read(path: Path) -> _Read:
    """Read a run; one that was interrupted is told of at once."""
    run = read_run(path)
    if not run.complete:
        typer.echo(f"outboxbench: {path}: {INCOMPLETE}", err=True)
    return _Read(run, RunFolder.at(path))


def _drawn(read: _Read, names: frozenset[str] | None, format_: ReportFormat) -> Told:
    from outboxbench.report.charts.render import render_charts

    charts = render_charts(read.run, read.folder, only=names, formats=_DRAWN[format_])
    # A report has its tables, whatever charts it has; charts alone would be nothing.
    if not charts.charts and (names is not None or format_ is not ReportFormat.HTML):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in charts.left_out.items())
        raise BadInput(f"{read.folder.path} has nothing to draw ({reasons}): choose other charts")
    for name, reason in charts.left_out.items() if names is not None else ():
        typer.echo(f"outboxbench: left out: {name}: {reason}", err=True)
    return Told(read.run, read.folder, charts)


def _write_markdown(head: _Read, base: _Read | None, noise: Path, *, is_opened: bool) -> None:
    if base is None:
        text = run_markdown(head.run)
    else:
        text = compared_markdown(base.run, head.run, noise_of_this_machine(noise, head.run))
    if not is_opened:
        sys.stdout.write(text)
        return
    path = head.folder.path / MARKDOWN_FILE
    write_whole(path, text)
    typer.echo(f"{path}")
    _open(path)


def _open(path: Path) -> None:
    if not webbrowser.open(path.resolve().as_uri()):
        typer.echo(f"outboxbench: nothing here opens it, open it yourself: {path}", err=True)
