"""Where the time of a request over HTTP goes, beside the same operation in process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from outboxbench.analysis.http_cost import http_costs
from outboxbench.report import style
from outboxbench.report.charts import arm_rows, frame
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import sentence
from outboxbench.report.charts.http_rows import HttpPanel, HttpRow, http_panels
from outboxbench.report.charts.stacked_bars import Part, draw_stack, parts_key
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from outboxbench.analysis.http_cost import HttpCost
    from outboxbench.results.model import Run

TITLE = "What a request is made of"
SHOWS = "the parts of a typical request to the service, beside the same operation in process"
NEEDS = "a service that was measured over HTTP"
READING = (
    "What is left of the transaction is the price of HTTP: shorter is better, and the transaction"
    " alone is what a strategy is responsible for."
)

_HEADING_IN: Final = 0.8
_AXIS_IN: Final = 0.72
_TOTAL: Final = arm_rows.Column("total µs", 0.7)
_CPU: Final = arm_rows.Column("CPU µs", 1.45)
_VERDICT: Final = arm_rows.Column("verdict", 1.6)

PARTS: Final = (
    Part("transaction_us", "transaction", "#0072B2", "white"),
    Part("pool_wait_us", "waiting for a connection", "#56B4E9", "black", "////"),
    Part("service_us", "service", "#009E73", "white"),
    Part("wire_us", "wire", "#CCCCCC", "black", "...."),
    Part("client_us", "client", "#E69F00", "black"),
)


def draw(run: Run) -> Figure:
    """Draw one panel for each load, each strategy in process above itself over HTTP.

    Raises NoDataError when no service was measured.
    """
    panels = http_panels(run)
    if not panels:
        raise frame.NoDataError("no service was measured over HTTP")
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="Over HTTP: means over the requests around the median, as the client saw them,"
            " µs. Direct: the median, in process.\nCPU is that of the service, or of the process"
            " that asks itself; what Locust takes is the client's part.",
            key=parts_key(PARTS),
            panels_in=sum(map(_height_in, panels)),
        )
        top_in = frame.TOP_IN
        for panel in panels:
            frame.write_heading(figure, panel.title, panel.settings_text, at_in=top_in)
            _draw_panel(figure, panel, top_in=top_in + _HEADING_IN)
            top_in += _height_in(panel)
    return figure


def describe(run: Run) -> str:
    """The chart in words: every row with its parts."""
    return " ".join(
        f"{panel.title}: " + "; ".join(_described(row) for row in panel.rows) + "."
        for panel in http_panels(run)
    )


def finding(run: Run) -> str:
    """Say what HTTP adds with each strategy, or what most of a request is."""
    costs = [_told(each) for each in http_costs(run) if each.cpu_us and each.p50_us]
    if costs:
        return sentence(costs)
    rows = [row for panel in http_panels(run) for row in panel.rows if row.parts]
    return sentence(
        [
            f"of {three_digits(row.total_us)} µs with {row.name} the transaction takes"
            f" {row.parts['transaction_us'] / row.total_us:.0%}"
            for row in rows
        ]
    )


def data(run: Run) -> DataTable:
    """The bars with their parts."""
    return DataTable(
        columns=(
            *("load", "strategy", "total, µs"),
            *(f"{part.label}, µs" for part in PARTS),
            *("CPU, µs/op", "verdict"),
        ),
        rows=tuple(
            (
                *(panel.title, row.name, row.total_us),
                *(row.parts.get(part.name) for part in PARTS),
                *(row.cpu_us, row.arm.verdict),
            )
            for panel in http_panels(run)
            for row in panel.rows
        ),
    )


def _height_in(panel: HttpPanel) -> float:
    return _HEADING_IN + arm_rows.ROW_IN * len(panel.rows) + _AXIS_IN


def _draw_panel(figure: Figure, panel: HttpPanel, *, top_in: float) -> None:
    axes = arm_rows.place(figure, top_in=top_in, rows=len(panel.rows))
    axes.set_xlim(0, 1.03 * max(row.total_us for row in panel.rows))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("time of an operation, µs", fontsize=9)
    for number, row in enumerate(panel.rows):
        parts = row.parts or {PARTS[0].name: row.total_us}
        draw_stack(
            axes,
            number,
            [(part, parts.get(part.name)) for part in PARTS],
            width_in=arm_rows.WIDTH_IN,
            trusted=row.arm.verdict == "pass",
        )
        arm_rows.write_row(
            axes,
            1 - (number + 0.5) / len(panel.rows),
            row.name,
            row.arm,
            ((_TOTAL, three_digits(row.total_us)), (_CPU, three_digits(row.cpu_us))),
            _VERDICT,
            beside=row.place,
        )
    arm_rows.write_heads(axes, 1 + 0.35 / len(panel.rows), (_TOTAL, _CPU), _VERDICT)


def _described(row: HttpRow) -> str:
    parts = ", ".join(
        f"{part.label} {three_digits(row.parts[part.name])}" for part in PARTS if row.parts
    )
    told = f" ({parts})" if parts else ""
    return (
        f"{row.name} {row.place} {three_digits(row.total_us)} µs{told}, CPU"
        f" {three_digits(row.cpu_us)} µs, verdict {row.arm.verdict}"
    )


def _told(cost: HttpCost) -> str:
    assert cost.cpu_us is not None
    assert cost.p50_us is not None
    return (
        f"with {cost.service.strategy} HTTP adds {three_digits(cost.p50_us.mean)} µs to the median"
        f" [{cost.p50_us.low:,.0f}, {cost.p50_us.high:,.0f}] and {three_digits(cost.cpu_us.mean)}"
        f" µs CPU [{cost.cpu_us.low:,.0f}, {cost.cpu_us.high:,.0f}]"
    )
