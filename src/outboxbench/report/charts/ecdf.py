"""The whole distribution of latencies: a line for each arm, with a band over its rounds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.ticker import FixedLocator, PercentFormatter

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report import style
from outboxbench.report.charts import frame, grid
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import over_rounds, overlap, sentence
from outboxbench.report.charts.log_ticks import label_log_axis
from outboxbench.report.numbers import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.analysis.ecdf import Ecdf
    from outboxbench.results.document import Loop
    from outboxbench.results.model import Arm, Run

TITLE = "Distribution of latencies"
SHOWS = "the share of operations that took no longer than a latency, with a band over the rounds"
NEEDS = "histograms with 20 operations or more in a round of an arm"
READING = (
    "A line further left is faster, a steeper one steadier; where two bands cover each other, the"
    " rounds do not tell the arms apart."
)

_LOOPS: Final[tuple[Loop, ...]] = ("asyncio", "uvloop")
_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_HEADING_IN: Final = 0.85
_AXIS_IN: Final = 0.7
_LEAST_HEIGHT_IN: Final = 2.4
_NAME_STEP_IN: Final = 0.2
_LEFT_IN: Final = frame.LEFT_IN + 0.55
_STEP_IN: Final = 5.3
_SAMPLE_IN: Final = 0.14
_NAME_IN: Final = 0.26
_BAND_ALPHA: Final = 0.18
_US_PER_MS: Final = 1000


class _Layout(NamedTuple):
    """The width of a panel, and where the columns right of it stand."""

    width_in: float
    longest_name: int
    median_in: float
    verdict_in: float


_BESIDE_ANOTHER: Final = _Layout(width_in=2.1, longest_name=16, median_in=1.9, verdict_in=1.97)
_ALONE: Final = _Layout(width_in=6.3, longest_name=27, median_in=3.0, verdict_in=3.1)


class _Line(NamedTuple):
    arm: Arm
    name: str
    ecdf: Ecdf

    @property
    def median_us(self) -> float:
        return self.ecdf.quantile_us(0.5)[1]


class _Panel(NamedTuple):
    arms: ComparableArms
    lines: list[_Line]

    @property
    def loops(self) -> list[Loop]:
        return [loop for loop in _LOOPS if any(line.arm.loop == loop for line in self.lines)]

    @property
    def height_in(self) -> float:
        most = max(len(self.of(loop)) for loop in self.loops)
        return max(_LEAST_HEIGHT_IN, _NAME_STEP_IN * (most + 1))

    def of(self, loop: Loop) -> list[_Line]:
        """The lines of one event loop and of the ceilings, fastest first."""
        shown = [line for line in self.lines if line.arm.loop in {loop, None}]
        return sorted(shown, key=lambda line: line.median_us)


def draw(run: Run, ecdfs: Mapping[str, Ecdf]) -> Figure:
    """Draw a row of panels for each comparable set of arms, one for each event loop.

    Args:
        run: what was measured.
        ecdfs: the distribution of each arm's good operations, by the arm's name.

    Raises NoDataError when no strategy has a round with samples enough.
    """
    panels = _panels(run, ecdfs)
    if not panels:
        raise frame.NoDataError("no strategy has a round with the 20 samples that a median needs")
    full_in = sum(_HEADING_IN + panel.height_in + _AXIS_IN for panel in panels)
    small = [each for panel in panels for each in _small(panel)]
    is_grid = full_in > grid.TALLEST_IN
    arms = [line.arm for panel in panels for line in panel.lines]
    key_in = grid.key_height_in({arm.strategy for arm in arms}) if is_grid else 0.0
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="Committed operations of all rounds together; bands reach from the round with"
            " the smallest share to that with the largest; further left is better.\nIn a closed"
            " loop a client waits for its answer before it sends again, so queueing is hidden.",
            key=() if is_grid else style.key(arms),
            panels_in=key_in + grid.height_in(small) if is_grid else full_in,
        )
        if is_grid:
            grid.write_key(figure, arms, top_in=frame.TOP_IN - 0.35)
            grid.draw_grid(figure, small, top_in=frame.TOP_IN + key_in)
        else:
            _draw_panels(figure, panels)
    return figure


def _draw_panels(figure: Figure, panels: Sequence[_Panel]) -> None:
    top_in = frame.TOP_IN
    for panel in panels:
        frame.write_heading(figure, panel.arms.title, panel.arms.settings_text, at_in=top_in)
        layout = _ALONE if len(panel.loops) == 1 else _BESIDE_ANOTHER
        for column, loop in enumerate(panel.loops):
            axes = frame.place(
                figure,
                left_in=_LEFT_IN + column * _STEP_IN,
                top_in=top_in + _HEADING_IN,
                width_in=layout.width_in,
                height_in=panel.height_in,
            )
            _draw_axes(axes, panel, layout.width_in)
            lines = panel.of(loop)
            for line in lines:
                _draw_line(axes, line)
            _write_names(axes, loop, lines, panel.height_in, layout)
        top_in += _HEADING_IN + panel.height_in + _AXIS_IN


def _small(panel: _Panel) -> Iterator[grid.Small]:
    arms = panel.arms
    for loop in panel.loops:
        yield grid.Small(
            heading=f"{arms.workload}, {arms.profile} profile, {loop}",
            arms=arms,
            rows={},
            doubtful=frozenset(),
            draw=partial(_draw_small, panel, loop),
        )


def _draw_small(panel: _Panel, loop: Loop, axes: Axes, names: Sequence[str]) -> None:
    del names
    _draw_axes(axes, panel, 1.8)
    axes.set_ylabel("")
    axes.set_xlabel("share that took no longer; ms", fontsize=8)
    for line in panel.of(loop):
        _draw_line(axes, line)


def describe(run: Run, ecdfs: Mapping[str, Ecdf]) -> str:
    """The chart in words: the median of every arm with its verdict."""
    return " ".join(
        f"{panel.arms.title}: "
        + "; ".join(
            f"{line.name} {line.arm.loop or 'ceiling'} {_median_text(line)}, verdict"
            f" {line.arm.verdict}"
            for line in panel.lines
        )
        + "."
        for panel in _panels(run, ecdfs)
    )


def finding(run: Run, ecdfs: Mapping[str, Ecdf]) -> str:
    """Say whose operations are fastest in each table, and whether the rounds tell them apart."""
    return sentence([_fastest(panel) for panel in _panels(run, ecdfs)])


def data(run: Run, ecdfs: Mapping[str, Ecdf]) -> DataTable:
    """The quantiles of every arm, in the slowest round, in all together and in the fastest."""
    return DataTable(
        columns=(
            *("arms", "settings", "strategy", "loop", "operations", "rounds", "share of them, %"),
            *("within, ms", "within in the fastest round, ms", "within in the slowest round, ms"),
            "verdict",
        ),
        rows=tuple(
            (
                *(panel.arms.title, panel.arms.settings_text, line.name),
                *(line.arm.loop or "ceiling", line.ecdf.samples, line.ecdf.rounds),
                *(100 * quantile, middle_us / _US_PER_MS),
                *(fastest_us / _US_PER_MS, slowest_us / _US_PER_MS, line.arm.verdict),
            )
            for panel in _panels(run, ecdfs)
            for line in panel.lines
            for quantile in _QUANTILES
            for slowest_us, middle_us, fastest_us in (line.ecdf.quantile_us(quantile),)
        ),
    )


def _panels(run: Run, ecdfs: Mapping[str, Ecdf]) -> list[_Panel]:
    found = []
    for arms in comparable_arms(run):
        lines = [
            _Line(arm, arms.label(arm), ecdfs[arm.name])
            for arm in (*arms.ceilings, *arms.strategies)
            if arm.name in ecdfs
        ]
        if any(line.arm.role == "strategy" for line in lines):
            found.append(_Panel(arms, lines))
    return found


def _fastest(panel: _Panel) -> str:
    ranked = sorted(
        (line for line in panel.lines if line.arm.role == "strategy"),
        key=lambda line: line.median_us,
    )
    first = ranked[0]
    told = (
        f"{panel.arms.title}: half of the operations of {first.name} {first.arm.loop} take no"
        f" longer than {_median_text(first)}"
    )
    if len(ranked) == 1:
        return told
    second = ranked[1]
    apart = not overlap(_median_range(first), _median_range(second))
    return (
        f"{told}; next is {second.name} {second.arm.loop} with {_median_text(second)}, which its"
        f" rounds {'tell apart' if apart else 'do not tell apart'}"
    )


def _median_range(line: _Line) -> tuple[float, float]:
    slowest_us, _, fastest_us = line.ecdf.quantile_us(0.5)
    return fastest_us, slowest_us


def _median_text(line: _Line) -> str:
    fastest_us, slowest_us = _median_range(line)
    over = over_rounds(milliseconds(fastest_us), milliseconds(slowest_us), line.ecdf.rounds)
    return f"{milliseconds(line.median_us)} ms ({over})"


def _draw_axes(axes: Axes, panel: _Panel, width_in: float) -> None:
    ends_us = [line.ecdf.values_us for line in panel.lines]
    limits_us = float(min(each[0] for each in ends_us)), float(max(each[-1] for each in ends_us))
    axes.set_xscale("log")
    axes.set_xlim(*limits_us)
    label_log_axis(axes.xaxis, limits_us, length_in=width_in, per_unit=_US_PER_MS, points=8.5)
    axes.set_xlabel("latency, ms (logarithmic)", fontsize=9)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.set_ylabel("operations that took no longer", fontsize=9)


def _draw_line(axes: Axes, line: _Line) -> None:
    look = style.look(line.arm)
    trusted = line.arm.verdict == "pass"
    colour = look.colour if trusted else style.ALARM
    found = line.ecdf
    if found.rounds > 1:
        axes.fill_between(
            found.values_us, found.least, found.most, color=colour, alpha=_BAND_ALPHA, linewidth=0
        )
    axes.plot(
        found.values_us,
        found.share,
        color=colour,
        linestyle=look.line if trusted else ":",
        linewidth=1.6 if trusted else 1.2,
        marker=look.marker,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.5,
        markevery=[int(found.share.searchsorted(0.5))],
    )


def _write_names(
    axes: Axes, loop: Loop, lines: Sequence[_Line], height_in: float, layout: _Layout
) -> None:
    step = _NAME_STEP_IN / height_in
    heads = partial(frame.write_beside, axes, level=1 + step * 0.9, colour=style.FAINT)
    frame.write_beside(
        axes,
        loop,
        level=1 + step * 0.9,
        left_in=0.001,
        align="left",
        colour=style.INK,
        weight="bold",
    )
    heads("p50, ms", right_in=layout.median_in, align="right")
    heads("verdict", right_in=layout.verdict_in, align="left")
    for number, line in enumerate(lines):
        level = 1 - (number + 0.5) * step
        trusted = line.arm.verdict == "pass"
        frame.write_sample(axes, style.look(line.arm), level=level, right_in=_SAMPLE_IN)
        write = partial(
            frame.write_beside, axes, level=level, colour=style.INK if trusted else style.ALARM
        )
        write(frame.shortened(line.name, layout.longest_name), right_in=_NAME_IN, align="left")
        write(milliseconds(line.median_us), right_in=layout.median_in, align="right")
        write(style.verdict_text(line.arm.verdict), right_in=layout.verdict_in, align="left")
