"""Faults on the terminal: what each strategy went through, and how long it took to be back."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from outboxbench.analysis.history.availability_summary import summarise
from outboxbench.report.numbers import BLANK, three_digits
from outboxbench.report.verdicts import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from outboxbench.results.availability import Spread
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

_COLUMNS = (
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
    for fault in dict.fromkeys(arm.fault for arm in run.faults):
        arms = [arm for arm in run.faults if arm.fault == fault]
        yield from (Text(), _table(fault, arms))
        if any(arm.relaying for arm in arms):
            yield _deliveries(arms)
    if run.faults:
        yield Text(
            "medians and maxima over the injections, from the onset: first ok: of an attempt\n"
            "invoked after it; back: goodput at 90% of before, and staying (– where there\n"
            "was no time to see). Operations of the whole block; recovered: in doubt first,\n"
            "then found by their op_id; wedged: clients that never succeeded again.",
            style="dim",
        )
    if any(arm.relaying for arm in run.faults):
        yield Text(
            "first delivery: from the onset to the first one after the fault took effect; gap:\n"
            "the longest time without a delivery until the next onset.",
            style="dim",
        )


def _table(fault: str, arms: list[FaultArm]) -> Table:
    injections = arms[0].settings["injections"]
    table = Table(
        title=Text(f"{fault}, {injections} times", style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 0),
    )
    table.add_column("strategy", overflow="fold", vertical="bottom")
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True, vertical="bottom")
    table.add_column("ver-\ndict", vertical="bottom")
    labels = _labels(arms)
    for arm in sorted(arms, key=lambda arm: arm.name):
        table.add_row(
            Text(labels[arm.name]),
            *_cells(arm),
            VERDICTS[arm.verdict],
            style="" if arm.verdict == "pass" else "dim",
        )
    return table


def _deliveries(arms: list[FaultArm]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("deliveries", overflow="fold")
    for column in ("first ms", "max", "gap ms", "max"):
        table.add_column(column, justify="right", no_wrap=True)
    labels = _labels(arms)
    for arm in sorted(arms, key=lambda arm: arm.name):
        summary = summarise(arm.availability.injections)
        if arm.relaying is not None:
            table.add_row(
                Text(labels[arm.name]),
                *_spread(summary.first_delivery_ms),
                *_spread(summary.longest_delivery_gap_ms),
                style="" if arm.verdict == "pass" else "dim",
            )
    return table


def _labels(arms: list[FaultArm]) -> dict[str, str]:
    """Tell arms apart, by name: the strategy and whatever else is not the same for all."""
    traits = {
        arm.name: (arm.loop, arm.profile, arm.retries, arm.workload, *_relay_traits(arm))
        for arm in arms
    }
    differ = [len(set(values)) > 1 for values in zip(*traits.values(), strict=True)]
    return {arm.name: " ".join((arm.strategy, *compress(traits[arm.name], differ))) for arm in arms}


def _relay_traits(arm: FaultArm) -> tuple[str, ...]:
    relaying = arm.relaying
    if relaying is None:
        return ("no relays", "", "", "")
    return (f"{relaying.relays} relays", relaying.plan, relaying.broker, relaying.wake_up)


def _cells(arm: FaultArm) -> Iterator[str]:
    summary = summarise(arm.availability.injections)
    # What was in doubt when the first fault came was due before it.
    outcomes = summary.outcomes + arm.availability.outcomes_before
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
