"""A regression check in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from outboxbench.report.regression.words import (
    GATES,
    advice,
    headline,
    metric_name,
    ordered,
    value,
)

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.results.comparison import Decision
    from outboxbench.results.regression import Finding, Gate, Regression

_STYLES: dict[Decision, str] = {
    "regression": "bold red",
    "inconclusive": "yellow",
    "improvement": "green",
    "same": "",
}


def print_regression(console: Console, document: Regression, folder: Path, *, strict: bool) -> None:
    """Print the answer, what each gate found, and where the rest is."""
    console.print(Text(headline(document), style=_STYLES[document.decision] or "bold green"))
    for gate in document.gates:
        console.print(_gate(gate))
    for note in document.notes:
        console.print(Text(f"Note: {note}"))
    if (advised := advice(document, strict=strict)) is not None:
        console.print(Text(advised))
    # A path that is broken over two lines cannot be copied.
    console.print(Text(f"Results: {folder}"), soft_wrap=True)


def _gate(gate: Gate) -> Group:
    if gate.decision is None:
        return Group(Text(f"{GATES[gate.name]}: not asked, {gate.detail}", style="dim"))
    title = Text.assemble(
        f"{GATES[gate.name]}: ",
        (gate.decision, _STYLES[gate.decision]),
        f" ({gate.detail}; {gate.seconds:.0f} s)",
    )
    if not gate.findings:
        return Group(title)
    if gate.name == "correctness":
        return Group(title, *(_check(each) for each in ordered(gate.findings)))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("what", "metric"):
        table.add_column(heading)
    has_ratios = any(each.ratio is not None for each in gate.findings)
    for heading in ("base", "head", *(["ratio"] if has_ratios else [])):
        table.add_column(heading, justify="right")
    table.add_column("decision")
    for each in ordered(gate.findings):
        ratio = "" if each.ratio is None else f"{each.ratio:.3f} [{each.low:.3f}, {each.high:.3f}]"
        advisory = " (advisory)" if each.is_advisory else ""
        table.add_row(
            each.subject,
            metric_name(each),
            value(each.base_value, each.unit),
            value(each.head_value, each.unit),
            *([ratio] if has_ratios else []),
            Text(each.decision + advisory, style=_STYLES[each.decision]),
            style="dim" if each.is_advisory else "",
        )
    return Group(title, table)


def _check(finding: Finding) -> Text:
    """A check that was not passed, which is a sentence and no figure."""
    return Text.assemble(
        "  ",
        (finding.decision, _STYLES[finding.decision]),
        f": {finding.metric}, {finding.subject}: {finding.detail}",
    )
