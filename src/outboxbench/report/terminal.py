"""A run on the terminal: tables, every reason for doubt, and last what there is to be decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from outboxbench.analysis.answers import answers, caveat
from outboxbench.analysis.comparable import comparable_arms
from outboxbench.analysis.rate_series import is_swept
from outboxbench.analysis.series import rate_panels
from outboxbench.report.arm_table import arm_notes, arm_table
from outboxbench.report.drawn_table import drawn_report
from outboxbench.report.failed_checks import doubted_arms
from outboxbench.report.fault_matrix import fault_matrix
from outboxbench.report.fault_table import fault_report
from outboxbench.report.figures_table import FULL_WIDTH
from outboxbench.report.recovery_table import recovery_report
from outboxbench.report.relay_table import relay_report
from outboxbench.report.sweep_table import sweep_notes, sweep_table
from outboxbench.report.verdicts import INCOMPLETE, VERDICTS
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rich.console import Console, RenderableType

    from outboxbench.results.model import Run, RunWarning

REPORT_FILE: Final = "report.html"

_ANSWERS_SHOWN: Final = 3


def print_report(console: Console, run: Run, folder: Path) -> None:
    """Print the report of a run, where its results are, and which charts are among them."""
    _print(console, run_report(run, console.width))
    # A path that is broken over two lines cannot be copied.
    console.print(Text(f"Results: {folder}"), soft_wrap=True)
    if (report := RunFolder(folder).path / REPORT_FILE).exists():
        console.print(Text(f"Report: {report}"), soft_wrap=True)
    charts = sorted(path.stem for path in RunFolder(folder).charts_folder.glob("*.png"))
    if charts:
        console.print(Text(f"Charts: {', '.join(charts)}"))


def _print(console: Console, report: RenderableType) -> None:
    """Print a report, to what is no terminal without the blanks that fill its lines."""
    if console.is_terminal:
        console.print(report)
        return
    with console.capture() as captured:
        console.print(report)
    console.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def run_report(run: Run, width: int = FULL_WIDTH) -> RenderableType:
    """Tables, verdict, failed checks, warnings and answers; fits from 60 columns on."""
    parts: list[RenderableType] = []
    for arms in comparable_arms(run):
        if not is_swept(run, arms):
            parts += [Text(), arm_table(run, arms, width), arm_notes(run, arms, width)]
    for panel in rate_panels(run):
        parts += [Text(), sweep_table(panel, width), sweep_notes(run, panel)]
    parts += relay_report(run, width)
    parts += fault_report(run)
    parts += drawn_report(run)
    parts += recovery_report(run)
    if matrix := list(fault_matrix(run)):
        parts += [Text(), *matrix]
    return Group(
        *parts,
        Text(),
        *_verdict(run),
        *_failed_checks(run),
        *warning_lines(run.warnings),
        *_first_answers(run),
    )


def _first_answers(run: Run) -> Iterator[RenderableType]:
    """The decisions, last, where whoever has waited for the run looks first.

    What speaks against all of them stands above.
    """
    doubt = caveat(run)
    for each in (*([] if doubt is None else [doubt]), *answers(run)[:_ANSWERS_SHOWN]):
        yield Text()
        yield Text.assemble((each.question, "bold"), " ", (f"({each.conditions})", "dim"))
        yield Padding(Text(each.sentence), (0, 0, 0, 2))
        if each.details:
            yield Padding(Text(each.details), (0, 0, 0, 2))
    yield Text()


def _verdict(run: Run) -> Iterator[RenderableType]:
    yield Text.assemble("Verdict: ", VERDICTS[run.verdict])
    if not run.complete:
        yield Text(INCOMPLETE, style="bold yellow")
        if run.faults and not (run.arms or run.relays):
            yield Text("  go on with its command and --resume RUN, its folder")


def _failed_checks(run: Run) -> Iterator[RenderableType]:
    for arm in doubted_arms(run):
        name = Text.assemble((arm.name, "bold"), ": ", VERDICTS[arm.verdict])
        if not arm.was_measured:
            name.append(", no block was measured")
        yield name
        for line in arm.reasons:
            yield Padding(Text(line), (0, 0, 0, 2))


def warning_lines(warnings: Iterable[RunWarning]) -> Iterator[RenderableType]:
    """Every reason for doubt, each followed by what to do about it."""
    for warning in warnings:
        yield Text.assemble(("Warning: ", "yellow"), warning.message)
        yield Padding(Text(warning.advice, style="dim"), (0, 0, 0, 2))
