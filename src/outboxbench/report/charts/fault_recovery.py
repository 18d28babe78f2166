"""Recovery layer by layer: when the server was back, when its clients were, when goodput was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from outboxbench.analysis.fault_panels import fault_panels
from outboxbench.analysis.history.availability_summary import summarise
from outboxbench.report import style
from outboxbench.report.charts import fault_names, frame
from outboxbench.report.charts.log_ticks import short
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.results.availability import AvailabilitySummary, Spread
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

TITLE = "Who is back when"
SHOWS = "recovery after faults: of the server, of its clients, of goodput"

STAGES: Final[tuple[tuple[str, str, Callable[[AvailabilitySummary], Spread]], ...]] = (
    ("server answers again", "nobody asked it", lambda summary: summary.server_ready_ms),
    ("first ok of a client", "", lambda summary: summary.first_ok_after_effect_ms),
    ("goodput at 90%, and staying", "spans too short to see", lambda summary: summary.recovered_ms),
)

_ROW_IN: Final = 0.25
_LAYER_IN: Final = 0.25
_HEADING_IN: Final = 0.6
_AXIS_IN: Final = 0.7
_NAME_GAP_IN: Final = 0.15
_GAP_IN: Final = 0.62
_LINEAR_MS: Final = 1.0
_MARGIN: Final = 1.6


def draw(run: Run) -> Figure:
    """Draw a panel for each fault: a row for each arm, a column for each stage of recovery.

    Raises NoDataError when there was no injection.
    """
    panels = [panel for panel in fault_panels(run) if _measured(panel)]
    if not panels:
        raise frame.NoDataError("no fault was injected")
    with style.applied():
        figure = frame.new_figure(
            fault_names.footer(run),
            title=TITLE,
            subtitle="Since the onset of the fault, over its injections; further left is better."
            " What never came to pass counts as longer than all others.\nFirst ok: of an attempt"
            " invoked once the fault had taken effect. Goodput that never fell below 90% was back"
            " after 0 ms. –: not known.",
            key=_key(),
            panels_in=sum(_height_in(panel) for panel in panels),
        )
        names_in = _NAME_GAP_IN + fault_names.width_in(
            fault_names.marked_name(panel, arm) for panel in panels for arm in panel.arms
        )
        top_in = frame.TOP_IN
        for panel in panels:
            _draw_panel(figure, panel, top_in, names_in)
            top_in += _height_in(panel)
    return figure


def describe(run: Run) -> str:
    """The chart in words: median and worst of each stage of each arm."""
    return " ".join(
        f"{panel.fault}: {'; '.join(_in_words(panel, arm) for arm in _measured(panel))}."
        for panel in fault_panels(run)
        if _measured(panel)
    )


def _in_words(panel: FaultPanel, arm: FaultArm) -> str:
    summary = summarise(arm.availability.injections)
    told = []
    for stage, _, spread_of in STAGES:
        spread = spread_of(summary)
        if spread.measured or spread.never:
            never = f", never in {_times(spread)}" if spread.never else ""
            told.append(
                f"{stage} median {three_digits(spread.median)} ms,"
                f" worst {three_digits(spread.max)} ms{never}"
            )
    return f"{panel.label(arm)}, verdict {arm.verdict}: {', '.join(told)}"


def _measured(panel: FaultPanel) -> list[FaultArm]:
    return [arm for arm in panel.arms if arm.availability.injections]


def _layers(panel: FaultPanel) -> Iterator[tuple[str, list[FaultArm]]]:
    """The arms by the layers that stand between the application and the server."""
    groups: dict[str, list[FaultArm]] = {layer: [] for layer in style.LAYERS}
    for arm in _measured(panel):
        groups[style.layer_of(arm.strategy)].append(arm)
    yield from ((layer, arms) for layer, arms in groups.items() if arms)


def _rows_in(panel: FaultPanel) -> float:
    return sum(_LAYER_IN + _ROW_IN * len(arms) for _, arms in _layers(panel))


def _height_in(panel: FaultPanel) -> float:
    return _HEADING_IN + _rows_in(panel) + _AXIS_IN


def _draw_panel(figure: Figure, panel: FaultPanel, top_in: float, names_in: float) -> None:
    frame.write_heading(figure, panel.fault, "", at_in=top_in)
    height_in = _rows_in(panel)
    width_in = (frame.WIDTH_IN - 2 * frame.LEFT_IN - names_in - 3 * _GAP_IN) / 3
    summaries = {arm.name: summarise(arm.availability.injections) for arm in _measured(panel)}
    highest_ms = max(
        (spread_of(each).max or 0 for each in summaries.values() for _, _, spread_of in STAGES),
        default=0,
    )
    for column, (stage, unknown, spread_of) in enumerate(STAGES):
        axes = frame.place(
            figure,
            left_in=frame.LEFT_IN + names_in + column * (width_in + _GAP_IN),
            top_in=top_in + _HEADING_IN,
            width_in=width_in,
            height_in=height_in,
        )
        axes.set_title(stage, fontsize=9, weight="normal", color=style.FAINT)
        _prepare(axes, height_in, max(highest_ms, 10.0) * _MARGIN)
        spreads = {name: spread_of(summary) for name, summary in summaries.items()}
        if not any(spread.measured or spread.never for spread in spreads.values()):
            _write_inside(axes, unknown)
        y_in = 0.0
        for layer, arms in _layers(panel):
            if column == 0:
                _write(axes, layer, y_in + _LAYER_IN / 2, height_in, colour=style.FAINT)
            y_in += _LAYER_IN
            for arm in arms:
                middle_in = y_in + _ROW_IN / 2
                if column == 0:
                    name = fault_names.marked_name(panel, arm)
                    _write(axes, name, middle_in, height_in, colour=fault_names.colour(arm))
                _draw_spread(axes, panel, arm, spreads[arm.name], middle_in)
                y_in += _ROW_IN


def _prepare(axes: Axes, height_in: float, highest_ms: float) -> None:
    axes.set_ylim(height_in, 0)
    axes.set_yticks([])
    # Zero is a value here, and has to have its place beside a thousand.
    axes.set_xscale("symlog", linthresh=_LINEAR_MS, linscale=0.4)
    axes.set_xlim(-0.4, highest_ms)
    decades = [10.0**power for power in range(8)]
    axes.xaxis.set_major_locator(
        FixedLocator([0, *(decade for decade in decades if decade <= highest_ms)])
    )
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.tick_params(labelsize=9)
    axes.set_xlabel("ms (logarithmic from 1)", fontsize=9)


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
            markersize=6.5,
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


def _write(axes: Axes, text: str, middle_in: float, height_in: float, *, colour: str) -> None:
    frame.write_beside(
        axes,
        text,
        level=1 - middle_in / height_in,
        left_in=_NAME_GAP_IN,
        align="right",
        colour=colour,
        size=fault_names.SIZE,
    )


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
