"""Faults on the terminal: what each strategy went through, and how long it took to be back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from outboxbench.analysis.fault_panels import fails_as_expected, fault_panels
from outboxbench.analysis.history.availability_summary import summarise
from outboxbench.analysis.history.operations import NONE_LOST
from outboxbench.report.figures_table import VERDICT, Name, figures_table
from outboxbench.report.numbers import BLANK, three_digits
from outboxbench.report.verdicts import VERDICTS
from outboxbench.results.block import OutcomeCounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.results.availability import Injection, Spread
    from outboxbench.results.model import Run

COLUMNS: Final = (
    "first ok\nms",
    "max",
    "back at\n90% ms",
    "max",
    "ok",
    "recov-\nered",
    "failed",
    "in\ndoubt",
    "skip-\nped",
    "wed-\nged",
)
_NEVER = "never"


def fault_report(run: Run) -> Iterator[RenderableType]:
    """A table for each fault, with what its columns mean."""
    for panel in fault_panels(run):
        yield from (Text(), _table(panel))
        yield from _losses(panel)
        if any(arm.relaying for arm in panel.arms):
            yield _deliveries(panel)
    if run.faults:
        yield Text(
            "medians and maxima over the injections, from the onset: first ok: of an attempt\n"
            "invoked after it; back: goodput at 90% of the clean times', and staying (– where\n"
            "there was no time to see, never: not until the next onset). Operations of the\n"
            "whole block; recovered: in doubt first, then found by their op_id. wedged:\n"
            "clients that succeeded before and, once the fault was healed, hang, begin\n"
            "nothing or only fail; not those of a killed process whose successor still starts.",
            style="dim",
        )
    if any(arm.relaying for arm in run.faults):
        yield Text(
            "first: from the onset to the first delivery after the fault took effect; gap:\n"
            "the longest time without a delivery until the next onset.",
            style="dim",
        )


def _table(panel: FaultPanel) -> Table:
    injections = max(len(arm.availability.injections) for arm in panel.arms)
    table = figures_table(f"{panel.fault}, {injections} times", ("strategy",), COLUMNS, (VERDICT,))
    for arm in panel.arms:
        table.add_row(
            Name(panel.label(arm)),
            *cells(arm.availability.injections, arm.availability.outcomes_before),
            Text("FAIL*", style="yellow") if fails_as_expected(arm) else VERDICTS[arm.verdict],
            style="" if arm.verdict == "pass" else "dim",
        )
    return table


def _losses(panel: FaultPanel) -> Iterator[Text]:
    """What acknowledged operations were lost, where some were or were to be expected."""
    for arm in panel.arms:
        lost = arm.loss.operations
        if lost:
            yield Text(f"{panel.label(arm)}: {lost} acknowledged operations are lost")
        elif NONE_LOST in arm.expected_findings:
            yield Text(f"{panel.label(arm)}: no loss was seen, though it was to be expected")
    if any(map(fails_as_expected, panel.arms)):
        yield Text("* as expected of these arms, so that the run is no worse for it", style="dim")


def _deliveries(panel: FaultPanel) -> Table:
    table = figures_table("", ("deliveries",), ("first ms", "max", "gap ms", "max"), gap=2)
    for arm in panel.arms:
        summary = summarise(arm.availability.injections)
        if arm.relaying is not None:
            table.add_row(
                Name(panel.label(arm)),
                *_spread(summary.first_delivery_ms),
                *_spread(summary.longest_delivery_gap_ms),
                style="" if arm.verdict == "pass" else "dim",
            )
    return table


def cells(
    injections: Sequence[Injection], outcomes_before: OutcomeCounts | None = None
) -> Iterator[str]:
    """Yield what stands in the `COLUMNS`, of some injections.

    What was in doubt when the first fault came was due before it: `outcomes_before` are added.
    """
    summary = summarise(injections)
    outcomes = summary.outcomes + (outcomes_before or OutcomeCounts())
    yield from _spread(summary.first_ok_ms)
    yield from _spread(summary.recovered_ms)
    yield f"{outcomes.ok}"
    yield f"{outcomes.ok_recovered}"
    yield f"{outcomes.failed}"
    yield f"{outcomes.indeterminate}"
    yield f"{outcomes.skipped}"
    yield f"{summary.wedged_clients}"


def _spread(spread: Spread) -> Iterator[str]:
    yield three_digits(spread.median) if spread.measured else BLANK
    yield _NEVER if spread.never else three_digits(spread.max)
