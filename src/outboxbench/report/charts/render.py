"""Charts as PNG and SVG files; the same figures give the same SVG, byte for byte."""

from __future__ import annotations

import io
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

from outboxbench.report import style
from outboxbench.report.charts import cost, trend
from outboxbench.report.charts.catalogue import CATALOGUE
from outboxbench.report.charts.chart import drawing
from outboxbench.report.charts.frame import NoDataError
from outboxbench.report.charts.recorded import Recorded
from outboxbench.results.folders import RunReadError, RunWriteError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from matplotlib.figure import Figure

    from outboxbench.analysis.trend import Trend
    from outboxbench.report.charts.chart import Drawing
    from outboxbench.report.charts.data_table import DataTable
    from outboxbench.results.cost import Costs
    from outboxbench.results.model import Run
    from outboxbench.results.store import RunFolder

DPI = 150

Format: TypeAlias = Literal["png", "svg"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)


@dataclass(frozen=True, slots=True)
class RenderedChart:
    """A chart of one run: its files by their format, and what is said of it."""

    name: str
    title: str
    shows: str
    reading: str
    description: str
    finding: str
    data: DataTable
    files: Mapping[Format, Path]


@dataclass(frozen=True, slots=True)
class RenderedCharts:
    """The charts that were written, and why one is not among them."""

    charts: tuple[RenderedChart, ...]
    left_out: dict[str, str]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files of all charts."""
        return tuple(path for chart in self.charts for path in chart.files.values())


def render_charts(
    run: Run,
    folder: RunFolder,
    *,
    only: Collection[str] | None = None,
    formats: Collection[Format] = FORMATS,
    patience_s: float | None = None,
) -> RenderedCharts:
    """Write every chart that has data into the run's charts folder, over earlier ones.

    Args:
        run: what was measured.
        folder: where its histograms and histories are, and where the charts go.
        only: the names of charts in the catalogue; None for all.
        formats: which files are written of each.
        patience_s: after so many seconds no further chart is begun; None for no limit.

    Raises RunWriteError when a file cannot be written.
    """
    gives_up_at = None if patience_s is None else time.monotonic() + patience_s
    recorded = Recorded(run, folder)
    charts: list[RenderedChart] = []
    left_out: dict[str, str] = {}
    for chart, entry in CATALOGUE.items():
        if only is not None and chart not in only:
            continue
        for name, draw in entry.figures(chart, recorded):
            if gives_up_at is not None and time.monotonic() > gives_up_at:
                left_out[name] = (
                    f"the charts before it took {patience_s:g} s: `outboxbench report` draws all"
                )
                continue
            try:
                drawn = draw()
            except (NoDataError, RunReadError) as error:
                left_out[name] = str(error)
            else:
                charts.append(_rendered(name, drawn, folder.charts_folder, formats))
    return RenderedCharts(tuple(charts), left_out)


def render_cost_chart(costs: Costs, folder: Path) -> tuple[Path, ...]:
    """Write the chart of timed costs into a folder, over an earlier one.

    Raises RunWriteError when a file cannot be written, NoDataError when nothing was timed.
    """
    words = {"Title": cost.TITLE, "Description": cost.describe(costs)}
    return tuple(_save(cost.draw(costs), words, folder, "cost", FORMATS).values())


def render_trend_charts(groups: Iterable[Sequence[Trend]], folder: Path) -> Iterator[Path]:
    """Write a chart for each group of trends into a folder, over earlier ones.

    Raises RunWriteError when a file cannot be written.
    """
    taken: Counter[str] = Counter()
    for trends in groups:
        track = trends[0].series.track
        words = f"trend-{track.suite}-{track.title}-{track.loop or 'service'}"
        name = re.sub(r"[^a-z0-9.]+", "-", words.lower())
        taken[name] += 1
        unique = f"{name}-{taken[name]}" if taken[name] > 1 else name
        drawn = drawing(trend, f": {track.title}", trends)
        yield from _save(drawn.figure, _words(drawn), folder, unique, FORMATS).values()


def svg_text(drawn: Drawing) -> str:
    """Return a chart as an SVG document."""
    file = io.BytesIO()
    with style.applied():
        _write(drawn.figure, file, "svg", _words(drawn))
    return file.getvalue().decode("utf-8")


def _rendered(
    name: str, drawn: Drawing, folder: Path, formats: Collection[Format]
) -> RenderedChart:
    return RenderedChart(
        name=name,
        title=drawn.title,
        shows=drawn.shows,
        reading=drawn.reading,
        description=drawn.description,
        finding=drawn.finding,
        data=drawn.data,
        files=_save(drawn.figure, _words(drawn), folder, name, formats),
    )


def _words(drawn: Drawing) -> dict[str, str]:
    return {"Title": drawn.title, "Description": drawn.description}


def _save(
    figure: Figure, words: Mapping[str, str], folder: Path, name: str, formats: Collection[Format]
) -> dict[Format, Path]:
    files = {format_: folder / f"{name}.{format_}" for format_ in formats}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with style.applied():
            for format_, path in files.items():
                _write(figure, path, format_, words)
    except OSError as error:
        raise RunWriteError(
            f"cannot write the chart {name} to {folder} ({error.strerror}): free some space"
        ) from error
    return files


def _write(
    figure: Figure, path: Path | BinaryIO, format_: Format, words: Mapping[str, str]
) -> None:
    if format_ == "png":
        FigureCanvasAgg(figure).print_figure(path, dpi=DPI, metadata=dict(words))
    else:
        # Without the date that Matplotlib adds.
        # The resolution is that of what is not drawn as paths.
        FigureCanvasSVG(figure).print_figure(path, dpi=DPI, metadata={**words, "Date": None})
