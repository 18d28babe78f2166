"""Faults as tables: every verdict at a glance, then how available each strategy was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.fault_panels import fault_panels
from outboxbench.analysis.history.availability_summary import summarise
from outboxbench.report.fault_matrix import matrix_rows, sign_of, worst_sign
from outboxbench.report.html.marks import mark_of
from outboxbench.report.html.table import (
    Cell,
    Column,
    ReportTable,
    Row,
    count,
    figure,
    figure_columns,
    text_columns,
    verdict,
    word,
)
from outboxbench.report.numbers import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.results.availability import AvailabilitySummary, Spread
    from outboxbench.results.block import OutcomeCounts
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

MATRIX_LEGEND: Final = "As expected: an arm that is there to fail did, and was found to."
FAULTS_LEGEND: Final = (
    "Times are from the onset of an injection. First ok: of an attempt begun once the fault had "
    "taken effect. Back: goodput at 90% of before, and staying. Recovered: in doubt first, then "
    "found by op_id. Lost: acknowledged, and not there. Wedged: clients that never succeeded "
    "again. Never: not before the next injection or the end."
)

AVAILABILITY: Final = (
    "injections",
    "first ok\nmedian, ms",
    "first ok\nmax, ms",
    "longest gap\nmax, ms",
    "back at 90%\nmedian, ms",
    "back at 90%\nmax, ms",
    "goodput lost\nmax, operations",
    "ok",
    "recovered",
    "failed",
    "in doubt",
    "skipped",
    "wedged\nclients",
)
"""What `availability` gives the cells of."""

_LOST: Final = "lost\nacknowledged"
_DELIVERIES: Final = ("first delivery\nmax, ms", "delivery gap\nmax, ms")


def fault_matrix_tables(run: Run) -> Iterator[ReportTable]:
    """Yield the table of verdicts, a row for each fault and a column for each strategy."""
    strategies = sorted({arm.strategy for arm in run.faults})
    if not strategies:
        return
    yield ReportTable(
        title="Verdicts: strategy by fault",
        names="fault",
        columns=tuple(Column(name, is_numeric=False, strategy=name) for name in strategies),
        rows=tuple(
            Row(name, tuple(_sign(arms.get(strategy, [])) for strategy in strategies))
            for name, arms in matrix_rows(run).items()
        ),
    )


def fault_tables(run: Run) -> Iterator[ReportTable]:
    """Yield a table for each fault, a row for each arm that went through it."""
    for panel in fault_panels(run):
        relays = _DELIVERIES if any(arm.relaying for arm in panel.arms) else ()
        rate = panel.offered_per_s
        load = () if rate is None else (f"{rate:g} operations due per s",)
        yield ReportTable(
            title=panel.fault,
            names="strategy",
            columns=(
                *text_columns("verdict", "loop", "profile"),
                *figure_columns((*AVAILABILITY, _LOST, *relays)),
            ),
            rows=tuple(_row(panel, arm, with_relays=bool(relays)) for arm in panel.arms),
            notes=load,
        )


def _row(panel: FaultPanel, arm: FaultArm, *, with_relays: bool) -> Row:
    summary = summarise(arm.availability.injections)
    sign = sign_of(arm)
    cells = (
        verdict(sign),
        word(arm.loop),
        word(arm.profile),
        # What was in doubt when the first fault came was due before it.
        *availability(summary, summary.outcomes + arm.availability.outcomes_before),
        count(arm.loss.operations),
        *(_deliveries(summary) if with_relays else ()),
    )
    return Row(
        name=panel.label(arm),
        cells=cells,
        mark=mark_of(sign),
        strategy=arm.strategy,
        loop=arm.loop,
        profile=arm.profile,
    )


def availability(summary: AvailabilitySummary, outcomes: OutcomeCounts) -> Iterator[Cell]:
    """Yield the cells of some injections; `outcomes` are those that are to be told."""
    yield count(summary.injections)
    yield figure(summary.first_ok_after_effect_ms.median)
    yield _worst(summary.first_ok_after_effect_ms)
    yield _worst(summary.longest_gap_ms)
    yield figure(summary.recovered_ms.median)
    yield _worst(summary.recovered_ms)
    yield _worst(summary.lost_good)
    yield count(outcomes.ok)
    yield count(outcomes.ok_recovered)
    yield count(outcomes.failed)
    yield count(outcomes.indeterminate)
    yield count(outcomes.skipped)
    yield count(summary.wedged_clients)


def _deliveries(summary: AvailabilitySummary) -> Iterator[Cell]:
    yield _worst(summary.first_delivery_ms)
    yield _worst(summary.longest_delivery_gap_ms)


def _worst(spread: Spread) -> Cell:
    """The largest, or that some never came to it, which is worse than any."""
    return Cell("never", "1e300") if spread.never else figure(spread.max)


def _sign(arms: list[FaultArm]) -> Cell:
    sign = worst_sign(arms)
    return Cell(BLANK) if sign is None else verdict(sign)
