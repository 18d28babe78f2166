"""What became of operations under faults: a bar of outcomes for each arm, the bad ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.ticker import FixedLocator, PercentFormatter

from outboxbench.analysis.fault_panels import OUTCOMES, due_in_spans, shares_to_draw
from outboxbench.analysis.history.operations import GOOD
from outboxbench.report import style
from outboxbench.report.charts import fault_frame, fault_names, frame
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.outcome_looks import LOOKS, bars_key
from outboxbench.results.block import OutcomeCounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.report.charts.fault_frame import PlacedPanel
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

TITLE = "What became of operations"
SHOWS = "outcomes of the operations that were due from the first onset on"
NEEDS = "arms under faults, with operations that were due after an onset"
READING = (
    "Each bar is all operations of an arm that were due from the first onset on: what is dark on"
    " its left failed, is in doubt or was skipped, and the faint rest went well."
)

LEAST_SHARE: Final = 0.006
"""What occurred at all is drawn so wide: some three pixels."""

_BAD: Final = tuple(outcome for outcome in OUTCOMES if outcome not in GOOD)
_BAR_IN: Final = 0.14
_COUNTS_IN: Final = 3.7
_COUNT_IN: Final = 0.73


def draw(run: Run) -> Figure:
    """Draw a panel for each fault, with a bar for each arm and its counts beside it.

    Raises NoDataError when no operation was due after an onset.
    """
    return fault_frame.draw_panels(
        run,
        _panels(run),
        _draw_panel,
        title=TITLE,
        subtitle="Of the operations due from the first onset to the end; less colour is better."
        " In doubt: nobody can tell; recovered: in doubt, then found by op_id.\nWhat occurred"
        f" at all is drawn {LEAST_SHARE:.1%} wide or wider, so that a single one is seen; the"
        " counts are exact.",
        key=bars_key(),
    )


def describe(run: Run) -> str:
    """The chart in words: the counts of each arm."""
    return fault_frame.describe_arms(_panels(run), _in_words)


def finding(run: Run) -> str:
    """What became of all operations together, and which arm lost the largest share of its own."""
    arms = [(panel, arm, due_in_spans(arm)) for panel in _panels(run) for arm in panel.arms]
    together = sum((counts for _, _, counts in arms), OutcomeCounts())
    if together.good == together.attempted:
        return f"All {together.attempted:,} operations due from the first onset on went well."
    panel, arm, counts = max(arms, key=lambda each: _share_lost(each[2]))
    lost = ", ".join(f"{getattr(together, outcome):,} {LOOKS[outcome].name}" for outcome in _BAD)
    return (
        f"Of {together.attempted:,} operations due from the first onset on,"
        f" {together.good / together.attempted:.1%} went well ({lost});"
        f" {panel.label(arm)} under {panel.fault} lost most, {_share_lost(counts):.1%} of its own."
    )


def data(run: Run) -> DataTable:
    """The counts of each arm."""
    return DataTable(
        columns=("fault", "arm", "verdict", *(LOOKS[outcome].name for outcome in OUTCOMES)),
        rows=tuple(
            (
                *fault_frame.named(panel, arm),
                *(getattr(due_in_spans(arm), outcome) for outcome in OUTCOMES),
            )
            for panel in _panels(run)
            for arm in panel.arms
        ),
    )


def _panels(run: Run) -> tuple[FaultPanel, ...]:
    return fault_frame.panels_with(
        run,
        lambda arm: bool(due_in_spans(arm).attempted),
        otherwise="no operation was due after the onset of a fault",
    )


def _share_lost(counts: OutcomeCounts) -> float:
    return 1 - counts.good / counts.attempted


def _in_words(arm: FaultArm) -> str:
    counts = due_in_spans(arm)
    return ", ".join(f"{getattr(counts, outcome)} {LOOKS[outcome].name}" for outcome in OUTCOMES)


def _draw_panel(placed: PlacedPanel) -> None:
    axes = placed.axes("", at_in=0, width_in=placed.width_in - _COUNTS_IN)
    placed.rows_on(axes)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("of operations due", fontsize=fault_frame.AXIS_SIZE)
    above = 1 + 0.5 * fault_frame.ROW_IN / placed.height_in
    for column, outcome in enumerate(OUTCOMES):
        _write_count(axes, column, LOOKS[outcome].name, level=above, colour=style.FAINT)
    for arm, middle_in in placed.rows:
        counts = due_in_spans(arm)
        _draw_bar(axes, middle_in, counts)
        for column, outcome in enumerate(OUTCOMES):
            count = getattr(counts, outcome)
            is_bad = count and outcome in _BAD
            _write_count(
                axes,
                column,
                f"{count:,}",
                level=1 - middle_in / placed.height_in,
                colour=LOOKS[outcome].colour if is_bad else style.INK if count else style.FAINT,
                weight="bold" if is_bad else "normal",
            )


def _draw_bar(axes: Axes, middle_in: float, counts: OutcomeCounts) -> None:
    left = 0.0
    for outcome, share in shares_to_draw(counts, least=LEAST_SHARE).items():
        look = LOOKS[outcome]
        axes.barh(
            middle_in,
            share,
            left=left,
            height=_BAR_IN,
            color=look.colour,
            hatch=look.hatch,
            edgecolor="white",
            linewidth=0,
            label=look.name,
        )
        left += share


def _write_count(
    axes: Axes, column: int, text: str, *, level: float, colour: str, weight: str = "normal"
) -> None:
    frame.write_beside(
        axes,
        text,
        level=level,
        right_in=0.05 + _COUNT_IN * (column + 1),
        align="right",
        colour=colour,
        weight=weight,
        size=fault_names.SIZE,
    )
