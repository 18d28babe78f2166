"""A run on the terminal: a table of each comparable set of arms, then every reason for doubt."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from outboxbench.analysis.comparable import changed_durability, comparable_arms
from outboxbench.analysis.rate_series import is_swept
from outboxbench.analysis.series import rate_panels
from outboxbench.analysis.thesis_words import asks_for_the_thesis, paragraph
from outboxbench.report.drawn_table import drawn_report
from outboxbench.report.fault_matrix import fault_matrix
from outboxbench.report.fault_table import fault_report
from outboxbench.report.numbers import (
    BLANK,
    METRIC_NAMES,
    interval,
    milliseconds,
    percent,
    rounds,
    three_digits,
)
from outboxbench.report.recovery_table import recovery_report
from outboxbench.report.relay_table import relay_report
from outboxbench.report.sweep_table import sweep_notes, sweep_table
from outboxbench.report.verdicts import VERDICTS, failed_check
from outboxbench.results.model import Arm
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rich.console import Console, RenderableType

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.comparison import Metric
    from outboxbench.results.document import Verdict
    from outboxbench.results.model import Run, RunWarning
    from outboxbench.results.relay import RelayArm

_LAST_COLUMNS = ("p50\nms", "p99\nms", "client\nCPU µs", "server\nCPU µs")


def print_report(console: Console, run: Run, folder: Path) -> None:
    """Print the report of a run, where its results are, and which charts are among them."""
    console.print(run_report(run))
    # A path that is broken over two lines cannot be copied.
    console.print(Text(f"Results: {folder}"), soft_wrap=True)
    charts = sorted(path.stem for path in RunFolder(folder).charts_folder.glob("*.png"))
    if charts:
        console.print(Text(f"Charts: {', '.join(charts)}"))


def run_report(run: Run) -> RenderableType:
    """Tables, verdict, failed checks and warnings; fits 80 columns."""
    parts: list[RenderableType] = []
    for arms in comparable_arms(run):
        if not is_swept(run, arms):
            parts += [Text(), _table(run, arms), _notes(run, arms)]
    for panel in rate_panels(run):
        parts += [Text(), sweep_table(panel), sweep_notes(run, panel)]
    parts += relay_report(run)
    parts += fault_report(run)
    parts += drawn_report(run)
    parts += recovery_report(run)
    if matrix := list(fault_matrix(run)):
        parts += [Text(), *matrix]
    if asks_for_the_thesis(run):
        parts += [
            Text(),
            Text("Is a faster service hurt less?", style="bold"),
            Text(paragraph(run)),
        ]
    return Group(*parts, Text(), *_verdict(run), *_failed_checks(run), *warning_lines(run.warnings))


def _table(run: Run, arms: ComparableArms) -> Table:
    loops = {arm.loop for arm in arms.strategies if arm.loop}
    # The only loop stands in the title: long names of strategies need the room.
    names_loops = len(loops) != 1
    table = Table(
        title=Text(arms.title if names_loops else f"{arms.title}, {loops.pop()}", style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 0),
    )
    table.add_column("strategy", overflow="fold", vertical="bottom")
    if names_loops:
        table.add_column("loop", vertical="bottom")
    metric = _compared_metric(arms)
    is_open = metric == "latency_p50"
    shared_rate = _shared_rate(arms)
    load = () if shared_rate else ("offered\n/s",)
    headings = (
        *(load if is_open else ("ok/s",)),
        "skip-\nped" if is_open else "% of\nceil.",
        f"{METRIC_NAMES[metric]} ÷\n{run.reference or BLANK}",
        *_LAST_COLUMNS,
    )
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True, vertical="bottom")
    # Broken, as the names of strategies need the room.
    table.add_column("ver-\ndict", vertical="bottom")
    ratios = {each.head: interval(each) for each in run.comparisons if each.metric == metric}
    for arm in arms.ceilings:
        table.add_row(*_row(arms, arm, "", with_loop=names_loops))
    table.add_section()
    for arm in arms.strategies:
        table.add_row(
            *_row(arms, arm, ratios.get(arm.name, ""), with_loop=names_loops),
            style="" if arm.verdict == "pass" else "dim",
        )
    return table


def _compared_metric(arms: ComparableArms) -> Metric:
    """What decides in this table: how much a closed loop does, how long an open one waits."""
    is_open = any(arm.offered_per_s is not None for arm in arms.strategies)
    return "latency_p50" if is_open else "ok_per_s"


def _shared_rate(arms: ComparableArms) -> float | None:
    """What all arms of the table were offered; it needs no column, and their names the room."""
    rates = {arm.offered_per_s for arm in arms.strategies}
    return next(iter(rates)) if len(rates) == 1 else None


def _row(arms: ComparableArms, arm: Arm, ratio: str, *, with_loop: bool) -> Iterator[Text]:
    is_ceiling = arm.role == "ceiling"
    yield Text(arms.label(arm), style="italic" if is_ceiling else "")
    if with_loop:
        yield Text("ceiling", style="italic") if is_ceiling else Text(arm.loop or BLANK)
    summary = arm.summary
    if summary is None:
        yield from [Text(BLANK)] * ((2 if _shared_rate(arms) else 3) + len(_LAST_COLUMNS))
    else:
        if arm.offered_per_s is not None:
            if not _shared_rate(arms):
                yield Text(three_digits(arm.offered_per_s))
            yield Text(f"{summary.outcomes.skipped / max(summary.outcomes.attempted, 1):.1%}")
        else:
            yield Text(three_digits(summary.ok_per_s_median))
            yield Text("100%" if is_ceiling else percent(summary.ceiling_ratio_median))
        yield Text(ratio)
        yield Text(milliseconds(summary.latency_us.p50))
        yield Text(milliseconds(summary.latency_us.p99))
        yield Text(three_digits(summary.client_cpu_us_per_op))
        yield Text(three_digits(summary.server_cpu_us_per_op))
    yield VERDICTS[arm.verdict]


def _notes(run: Run, arms: ComparableArms) -> RenderableType:
    durability = changed_durability(run.server)
    lines = [
        f"{arms.settings_text or 'default settings'}; PostgreSQL {run.server.version}",
        f"medians of {rounds(run)}; ÷: on the same loop, mean over rounds [95% interval];",
        "CPU per attempted operation",
    ]
    if rate := _shared_rate(arms):
        lines.insert(0, f"offered to each: {three_digits(rate)} operations per second")
    if losses := _not_ok(arms):
        # Beside the rate: a rate alone would praise who gives up early.
        lines.insert(0, f"operations that did not succeed: {', '.join(losses)}")
    if durability:
        lines.insert(0, f"NOT the usual durability: {', '.join(durability)}")
    return Text("\n".join(lines), style="dim")


def _not_ok(arms: ComparableArms) -> list[str]:
    """Name the arms that had operations failed, in doubt or skipped, and their share of all."""
    return [
        f"{arms.label(arm)} {arm.loop or 'ceiling'} {1 - outcomes.good / outcomes.attempted:.2%}"
        for arm in (*arms.ceilings, *arms.strategies)
        if arm.summary and (outcomes := arm.summary.outcomes).good < outcomes.attempted
    ]


def _verdict(run: Run) -> Iterator[RenderableType]:
    yield Text.assemble("Verdict: ", VERDICTS[run.verdict])
    if not run.complete:
        yield Text("Incomplete: the run was interrupted, and shows what it had.", style="yellow")
        if run.faults and not (run.arms or run.relays):
            yield Text("  go on with its command and --resume RUN, its folder")


def _failed_checks(run: Run) -> Iterator[RenderableType]:
    measured: list[Arm | RelayArm] = [*run.arms, *run.relays]
    for arm in measured:
        if arm.verdict == "pass":
            continue
        name = Text.assemble((arm.name, "bold"), ": ", VERDICTS[arm.verdict])
        if not arm.blocks:
            name.append(", no block was measured")
        yield name
        for line in _doubts(arm):
            yield Padding(Text(line), (0, 0, 0, 2))
    for under_fault in run.faults:
        if under_fault.verdict != "pass":
            yield Text.assemble((under_fault.name, "bold"), ": ", VERDICTS[under_fault.verdict])
            for check in under_fault.checks:
                if check.verdict != "pass":
                    line = failed_check(check, under_fault.expected_findings)
                    yield Padding(Text(line), (0, 0, 0, 2))


def _doubts(arm: Arm | RelayArm) -> Iterator[str]:
    """Each check that did not pass, once, with the number of rounds in which it did not."""
    blocks_with: Counter[tuple[str, Verdict]] = Counter()
    details: dict[tuple[str, Verdict], str] = {}
    for block in arm.blocks:
        for check in block.checks:
            blocks_with[check.name, check.verdict] += 1
            details.setdefault((check.name, check.verdict), check.detail)
    for check in arm.checks if isinstance(arm, Arm) else ():
        details.setdefault((check.name, check.verdict), check.detail)
    for (name, verdict), detail in details.items():
        if verdict != "pass":
            rounds = blocks_with[name, verdict]
            where = f" (in {rounds} of {len(arm.blocks)} rounds)" if rounds else ""
            yield f"{verdict}: {name}{where}: {detail}"


def warning_lines(warnings: Iterable[RunWarning]) -> Iterator[RenderableType]:
    """Every reason for doubt, each followed by what to do about it."""
    for warning in warnings:
        yield Text.assemble(("Warning: ", "yellow"), warning.message)
        yield Padding(Text(warning.advice, style="dim"), (0, 0, 0, 2))
