"""What the charts of faults share: a panel for each fault, and in it a row for each arm.

Rows stand in the same order, bear the same names and have the same height in every chart. A chart
itself has to say only what stands beside them. Places are in inches, as in `frame`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.lines import Line2D

from outboxbench.analysis.fault_panels import FaultPanel, fault_panels
from outboxbench.report import style
from outboxbench.report.charts import fault_names, frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

AXIS_SIZE: Final = 9
"""Of what stands at axes, in points."""
ROW_IN: Final = 0.22
MARKER_SIZE: Final = 6.0

_HEADING_IN: Final = 0.34
_HEADING_CHARACTER_IN: Final = 0.105
_AXIS_IN: Final = 0.7
_SAMPLE_IN: Final = 0.3
_GAP_IN: Final = 0.1


class Row(NamedTuple):
    """The row of an arm, by how far below the upper edge of the axes its middle is."""

    arm: FaultArm
    middle_in: float


@dataclass(frozen=True, slots=True)
class PlacedPanel:
    """A panel on its figure, with the names of its arms; `left_in` and `top_in` are of its axes."""

    figure: Figure
    panel: FaultPanel
    rows: tuple[Row, ...]
    left_in: float
    top_in: float
    height_in: float

    @property
    def width_in(self) -> float:
        """What there is beside the names."""
        return frame.WIDTH_IN - frame.LEFT_IN - self.left_in

    def axes(self, title: str, *, at_in: float, width_in: float) -> Axes:
        """Add axes so far right of the names, as high as the rows; titles are as of a column."""
        axes = frame.place(
            self.figure,
            left_in=self.left_in + at_in,
            top_in=self.top_in,
            width_in=width_in,
            height_in=self.height_in,
        )
        axes.set_title(title, fontsize=AXIS_SIZE, weight="normal", color=style.FAINT)
        axes.tick_params(labelsize=AXIS_SIZE)
        return axes

    def rows_on(self, axes: Axes) -> None:
        """Have these axes measure upwards as rows do downwards: in inches."""
        axes.set_ylim(self.height_in, 0)
        axes.set_yticks([])
        axes.grid(visible=False, axis="y")


def panels_with(
    run: Run, is_shown: Callable[[FaultArm], bool], *, otherwise: str
) -> tuple[FaultPanel, ...]:
    """Return the panels of the arms that are shown; raises NoDataError if there is none."""
    shown = ((panel.fault, tuple(filter(is_shown, panel.arms))) for panel in fault_panels(run))
    panels = tuple(FaultPanel(fault, arms) for fault, arms in shown if arms)
    if not panels:
        raise frame.NoDataError(otherwise)
    return panels


def injected(run: Run) -> tuple[FaultPanel, ...]:
    """Return the panels of the arms that had an injection; raises NoDataError if none had."""
    return panels_with(
        run, lambda arm: bool(arm.availability.injections), otherwise="no fault was injected"
    )


def draw_panels(
    run: Run,
    panels: Sequence[FaultPanel],
    draw_panel: Callable[[PlacedPanel], None],
    *,
    title: str,
    subtitle: str,
    key: Sequence[Artist],
    name: Callable[[FaultPanel, FaultArm], str] = fault_names.marked_name,
    is_alarming: Callable[[FaultArm], bool] = lambda _: False,
    is_stroked: bool = False,
    least_in: float = 0.0,
) -> Figure:
    """Draw panels below each other, each under the name of its fault and how often it came.

    Args:
        run: what the footer tells of.
        panels: the faults, with the arms that are shown.
        draw_panel: draws what stands beside the names.
        title: of the figure.
        subtitle: how to read it, in two lines.
        key: what marks mean.
        name: what an arm is called.
        is_alarming: whether its name has to stand out, be its verdict as good as it may.
        is_stroked: whether the sample beside a name has a line too, and not a marker alone.
        least_in: how high axes are at least.
    """
    with style.applied():
        figure = frame.new_figure(
            fault_names.footer(run),
            title=title,
            subtitle=subtitle,
            key=key,
            panels_in=sum(_HEADING_IN + _height_in(panel, least_in) + _AXIS_IN for panel in panels),
        )
        names_in = fault_names.width_in(name(panel, arm) for panel in panels for arm in panel.arms)
        # Headings stand above the names, beside the titles of columns.
        headings_in = _HEADING_CHARACTER_IN * max(len(_heading(panel)) for panel in panels)
        left_in = frame.LEFT_IN + max(names_in + _SAMPLE_IN + 2 * _GAP_IN, headings_in)
        top_in = frame.TOP_IN
        for panel in panels:
            frame.write_heading(figure, _heading(panel), "", at_in=top_in)
            top_in += _HEADING_IN
            placed = PlacedPanel(
                figure=figure,
                panel=panel,
                rows=tuple(_rows(panel)),
                left_in=left_in,
                top_in=top_in,
                height_in=_height_in(panel, least_in),
            )
            for layer, middle_in in _layer_rows(panel):
                _write_name(placed, layer, middle_in, style.FAINT)
            for arm, middle_in in placed.rows:
                colour = style.ALARM if is_alarming(arm) else fault_names.colour(arm)
                _write_name(placed, name(panel, arm), middle_in, colour)
                _draw_sample(placed, arm, middle_in, is_stroked=is_stroked)
            draw_panel(placed)
            top_in += placed.height_in + _AXIS_IN
    return figure


def describe_arms(panels: Iterable[FaultPanel], in_words: Callable[[FaultArm], str]) -> str:
    """Every arm in words: its name, its verdict, and what is told of it."""
    return " ".join(
        f"{panel.fault}: "
        + "; ".join(
            f"{panel.label(arm)}, verdict {arm.verdict}: {in_words(arm)}" for arm in panel.arms
        )
        + "."
        for panel in panels
    )


def named(panel: FaultPanel, arm: FaultArm) -> tuple[str, str, str]:
    """The first cells of an arm's row in a table of figures: fault, name and verdict."""
    return panel.fault, panel.label(arm), arm.verdict


def _heading(panel: FaultPanel) -> str:
    times = sorted({len(arm.availability.injections) for arm in panel.arms})
    unit = "time" if times == [1] else "times"
    return f"{panel.fault}, {' or '.join(map(str, times))} {unit}"


def _layers(panel: FaultPanel) -> list[tuple[str, list[FaultArm]]]:
    """The arms by what stands between the application and the server, the least first."""
    groups: dict[str, list[FaultArm]] = {layer: [] for layer in style.LAYERS}
    for arm in panel.arms:
        groups[style.layer_of(arm.strategy)].append(arm)
    return [(layer, arms) for layer, arms in groups.items() if arms]


def _places(panel: FaultPanel) -> Iterator[tuple[str | FaultArm, float]]:
    """Every row from above; layers have one of their own where there are several."""
    layers = _layers(panel)
    entries: list[str | FaultArm] = []
    for layer, arms in layers:
        if len(layers) > 1:
            entries.append(layer)
        entries += arms
    for place, entry in enumerate(entries):
        yield entry, (place + 0.5) * ROW_IN


def _rows(panel: FaultPanel) -> Iterator[Row]:
    for entry, middle_in in _places(panel):
        if not isinstance(entry, str):
            yield Row(entry, middle_in)


def _layer_rows(panel: FaultPanel) -> Iterator[tuple[str, float]]:
    for entry, middle_in in _places(panel):
        if isinstance(entry, str):
            yield entry, middle_in


def _height_in(panel: FaultPanel, least_in: float) -> float:
    return max(least_in, ROW_IN * sum(1 for _ in _places(panel)))


def _write_name(placed: PlacedPanel, text: str, middle_in: float, colour: str) -> None:
    placed.figure.text(
        placed.left_in - _SAMPLE_IN - 2 * _GAP_IN,
        placed.figure.get_figheight() - placed.top_in - middle_in,
        text,
        transform=placed.figure.dpi_scale_trans,
        ha="right",
        va="center",
        fontsize=fault_names.SIZE,
        color=colour,
    )


def _draw_sample(placed: PlacedPanel, arm: FaultArm, middle_in: float, *, is_stroked: bool) -> None:
    look = style.look_of(arm.strategy)
    right_in = placed.left_in - _GAP_IN
    level_in = placed.figure.get_figheight() - placed.top_in - middle_in
    placed.figure.add_artist(
        Line2D(
            [right_in - _SAMPLE_IN, right_in - _SAMPLE_IN / 2, right_in],
            [level_in] * 3,
            transform=placed.figure.dpi_scale_trans,
            color=look.colour,
            linestyle=look.line if is_stroked else "none",
            linewidth=1.5,
            marker=look.marker,
            markersize=MARKER_SIZE,
            markevery=[1],
            fillstyle=fault_names.fill(placed.panel, arm),
        )
    )
