"""The headline: what every strategy does in a closed loop, as a chart and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers.measured import standing_for_others
from outboxbench.report.arm_table import arm_notes, arm_table
from outboxbench.report.blocks import blocks_of
from outboxbench.report.charts import throughput
from outboxbench.report.charts.chart import drawing
from outboxbench.report.charts.render import svg_text
from outboxbench.report.figures_table import FULL_WIDTH
from outboxbench.report.markdown import escaped, markdown
from outboxbench.report.readme.references import how_to_add, origin

if TYPE_CHECKING:
    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.report.readme.references import References
    from outboxbench.results.model import Run

CHART: Final = "speed.svg"

_SUITES: Final = ("throughput", "quick")
_WIDTH: Final = FULL_WIDTH - 1
"""Without the rounds one by one, which the chart has."""


def chart(references: References) -> str | None:
    """The chart as SVG; None where no suite is there that it could be drawn of."""
    run = references.first_of(_SUITES)
    table = None if run is None else standing_for_others(run)
    if run is None or table is None:
        return None
    shown = _alone(run, table)
    return svg_text(drawing(throughput, f", suite {run.suite}", shown))


def part(references: References, up: str) -> str:
    """The chart, its table, and where both come from."""
    run = references.first_of(_SUITES)
    table = None if run is None else standing_for_others(run)
    if run is None or table is None:
        return f"Nothing is in the reference yet: {how_to_add(_SUITES[0])} put it here."
    told = throughput.describe(_alone(run, table))
    paragraphs = [
        f"![{escaped(told)}]({up}docs/charts/{CHART})",
        markdown(blocks_of(arm_table(run, table, _WIDTH), arm_notes(run, table, _WIDTH))).rstrip(),
        origin(run, up),
    ]
    if run.suite != _SUITES[0]:
        paragraphs.append(
            f"That is the suite `{run.suite}`, which takes three minutes; every strategy, write"
            f" plan and load is in `{_SUITES[0]}`: {how_to_add(_SUITES[0])} put it here."
        )
    return "\n\n".join(paragraphs)


def _alone(run: Run, table: ComparableArms) -> Run:
    """The run as though it had measured nothing else."""
    return run.model_copy(update={"arms": (*table.ceilings, *table.strategies)})
