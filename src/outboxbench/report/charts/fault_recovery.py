"""Recovery layer by layer: when the server was back, when its clients were, when goodput was."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from outboxbench.analysis.history.availability_summary import summarise
from outboxbench.report import style
from outboxbench.report.charts import fault_frame, fault_names
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.log_ticks import short
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.report.charts.fault_frame import PlacedPanel
    from outboxbench.results.availability import AvailabilitySummary, Injection, Spread
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

TITLE = "Who is back when"
SHOWS = "recovery after faults: of the server, of its clients, of goodput"
NEEDS = "arms under faults, each with an injection"
READING = (
    "In each column the dot is the median over the injections and the bar the worst of them, on one"
    " scale throughout: what lies between two columns is the driver's and the pool's own part."
)

STAGES: Final[tuple[tuple[str, str, Callable[[AvailabilitySummary], Spread]], ...]] = (
    ("server answers again", "nobody asked it", lambda summary: summary.server_ready_ms),
    ("first ok of a client", "", lambda summary: summary.first_ok_after_effect_ms),
    ("goodput at 90%, and staying", "spans too short to see", lambda summary: summary.recovered_ms),
)

_GAP_IN: Final = 0.62
_LINEAR_MS: Final = 1.0
_MARGIN: Final = 1.6


def draw(run: Run) -> Figure:
    """Draw a panel for each fault: a row for each arm, a column for each stage of recovery.

    All panels have one scale, so that faults can be compared. Raises NoDataError when there was no
    injection.
    """
    panels = fault_frame.injected(run)
    return fault_frame.draw_panels(
        run,
        panels,
        partial(_draw_panel, highest_ms=_highest_ms(panels) * _MARGIN),
        title=TITLE,
        subtitle="Since the onset of the fault, over its injections; further left is better."
        " What never came to pass counts as longer than all others.\nFirst ok: of an attempt"
        " invoked once the fault had taken effect. Goodput that never fell below 90% was back"
        " after 0 ms. –: not known.",
        key=_key(),
    )


def describe(run: Run) -> str:
    """The chart in words: median and worst of each stage of each arm."""
    return fault_frame.describe_arms(fault_frame.injected(run), _in_words)


def finding(run: Run) -> str:
    """Who was back last, and how often goodput was not."""
    panels = fault_frame.injected(run)
    injections = [each for panel in panels for arm in panel.arms for each in _injections(arm)]
    whole = summarise(injections)
    latest = max(
        ((panel, arm) for panel in panels for arm in panel.arms),
        key=lambda each: _first_ok(each[1]).max or 0.0,
    )
    goodput = (
        f"goodput did not come back within the span after {whole.unrecovered} of"
        f" {whole.injections} injections"
        if whole.unrecovered
        else f"goodput came back after each of {whole.injections - whole.unseen} injections"
    )
    unseen = f", and of {whole.unseen} it cannot be told" if whole.unseen else ""
    longest_ms = _first_ok(latest[1]).max
    if longest_ms is None:
        return f"No client succeeded after any injection; {goodput}{unseen}."
    return (
        "A client succeeded again after a median of"
        f" {three_digits(whole.first_ok_after_effect_ms.median)} ms from the onset on, and after"
        f" {three_digits(longest_ms)} ms at the latest"
        f" ({latest[0].label(latest[1])} under {latest[0].fault}); {goodput}{unseen}."
    )


def data(run: Run) -> DataTable:
    """Median, worst, and how often never, of each stage of each arm."""
    measures = ("median ms", "worst ms", "never")
    return DataTable(
        columns=(
            *("fault", "arm", "verdict", "injections"),
            *(f"{stage}, {measure}" for stage, _, _ in STAGES for measure in measures),
        ),
        rows=tuple(
            (
                *fault_frame.named(panel, arm),
                len(_injections(arm)),
                *(
                    cell
                    for _, _, spread_of in STAGES
                    for spread in (spread_of(summarise(_injections(arm))),)
                    for cell in (spread.median, spread.max, spread.never)
                ),
            )
            for panel in fault_frame.injected(run)
            for arm in panel.arms
        ),
    )


def _injections(arm: FaultArm) -> Sequence[Injection]:
    return arm.availability.injections


def _first_ok(arm: FaultArm) -> Spread:
    return summarise(_injections(arm)).first_ok_after_effect_ms


def _highest_ms(panels: Sequence[FaultPanel]) -> float:
    summaries = (summarise(_injections(arm)) for panel in panels for arm in panel.arms)
    worst = (spread_of(each).max or 0.0 for each in summaries for _, _, spread_of in STAGES)
    return max(10.0, *worst)


def _in_words(arm: FaultArm) -> str:
    summary = summarise(_injections(arm))
    told = []
    for stage, _, spread_of in STAGES:
        spread = spread_of(summary)
        if spread.measured or spread.never:
            never = f", never in {_times(spread)}" if spread.never else ""
            told.append(
                f"{stage} median {three_digits(spread.median)} ms,"
                f" worst {three_digits(spread.max)} ms{never}"
            )
    return ", ".join(told)


def _draw_panel(placed: PlacedPanel, *, highest_ms: float) -> None:
    # Right of the last column too: what markers cannot say stands there.
    width_in = (placed.width_in - len(STAGES) * _GAP_IN) / len(STAGES)
    for column, (stage, unknown, spread_of) in enumerate(STAGES):
        axes = placed.axes(stage, at_in=column * (width_in + _GAP_IN), width_in=width_in)
        placed.rows_on(axes)
        _set_scale(axes, highest_ms)
        spreads = [(row, spread_of(summarise(_injections(row.arm)))) for row in placed.rows]
        if not any(spread.measured or spread.never for _, spread in spreads):
            _write_inside(axes, unknown)
        else:
            for (arm, middle_in), spread in spreads:
                _draw_spread(axes, placed.panel, arm, spread, middle_in)


def _set_scale(axes: Axes, highest_ms: float) -> None:
    # Zero is a value here, and has to have its place beside a thousand.
    axes.set_xscale("symlog", linthresh=_LINEAR_MS, linscale=0.4)
    axes.set_xlim(-0.4, highest_ms)
    decades = [10.0**power for power in range(8)]
    axes.xaxis.set_major_locator(
        FixedLocator([0, *(decade for decade in decades if decade <= highest_ms)])
    )
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.set_xlabel("ms (logarithmic from 1)", fontsize=fault_frame.AXIS_SIZE)


def _draw_spread(
    axes: Axes, panel: FaultPanel, arm: FaultArm, spread: Spread, middle_in: float
) -> None:
    look = style.look_of(arm.strategy)
    known = [value for value in (spread.median, spread.max) if value is not None]
    axes.plot(known, [middle_in] * len(known), color=look.colour, linewidth=2)
    if spread.max is not None:
        axes.plot([spread.max], [middle_in], marker="|", color=look.colour, markersize=9, mew=2)
    if spread.median is not None:
        axes.plot(
            [spread.median],
            [middle_in],
            marker=look.marker,
            color=look.colour,
            markersize=fault_frame.MARKER_SIZE,
            fillstyle=fault_names.fill(panel, arm),
            markerfacecoloralt="white",
        )
    beside, colour = _beside(spread)
    axes.annotate(
        beside,
        xy=(1, middle_in),
        xycoords=axes.get_yaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize=8,
        color=colour,
    )


def _beside(spread: Spread) -> tuple[str, str]:
    """What a marker cannot say: that there was nothing to see, or that it never came to pass."""
    if spread.never:
        return f"{_times(spread)} ✗", style.ALARM
    return ("", style.INK) if spread.measured else ("–", style.FAINT)


def _times(spread: Spread) -> str:
    return f"{spread.never} of {spread.never + spread.measured}"


def _write_inside(axes: Axes, text: str) -> None:
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=fault_names.SIZE,
        color=style.FAINT,
        backgroundcolor="white",
    )


def _key() -> list[Artist]:
    return [
        Line2D([], [], marker="o", color=style.FAINT, linestyle="none", label="median"),
        Line2D(
            [], [], marker="|", markersize=9, mew=2, color=style.FAINT, linewidth=2, label="worst"
        ),
        Line2D(
            [],
            [],
            marker="x",
            markersize=6,
            color=style.ALARM,
            linestyle="none",
            label="never, so often",
        ),
    ]
