"""A run as a document: HTML or Markdown, of one run or of two beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers import answers
from outboxbench.analysis.two_runs import compare_runs, obstacles
from outboxbench.report.blocks import Heading, Paragraph, blocks_of, joined
from outboxbench.report.comparison_table import comparison_report
from outboxbench.report.html.comparison_page import render_comparison
from outboxbench.report.html.inputs import ComparedRun, ReportChart
from outboxbench.report.html.page import render_html
from outboxbench.report.markdown import markdown
from outboxbench.report.run_blocks import run_blocks
from outboxbench.results.folders import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from outboxbench.report.blocks import Block
    from outboxbench.report.charts.render import RenderedChart, RenderedCharts
    from outboxbench.results.model import Run
    from outboxbench.results.noise import Noise
    from outboxbench.results.store import RunFolder

HTML_FILE: Final = "report.html"
MARKDOWN_FILE: Final = "report.md"


@dataclass(frozen=True, slots=True)
class Told:
    """A run, and its charts, drawn as SVG and PNG."""

    run: Run
    folder: RunFolder
    charts: RenderedCharts

    @property
    def name(self) -> str:
        """What tells it from another."""
        return self.folder.path.resolve().name


def report_html(told: Told) -> Path:
    """Write `report.html` into the run's folder, over an earlier one; returns its path.

    Raises RunWriteError.
    """
    charts = told.charts
    return _write(
        told,
        render_html(
            told.run,
            tuple(map(_report_chart, charts.charts)),
            charts.left_out,
            answers(told.run),
        ),
    )


def compared_html(base: Told, head: Told, noise: Noise | None) -> Path:
    """Write the report on head beside base into head's folder; returns its path.

    Raises RunWriteError.
    """
    found = obstacles(base.run, head.run)
    comparisons = () if found.fatal else compare_runs(base.run, head.run, noise)
    return _write(
        head,
        render_comparison(
            _compared(base),
            _compared(head),
            comparisons,
            found,
            is_calibrated=noise is not None,
        ),
    )


def run_markdown(run: Run) -> str:
    """The report on a run, without charts."""
    return markdown(run_blocks(run))


def compared_markdown(base: Run, head: Run, noise: Noise | None) -> str:
    """The comparison, then the report on head and that on base."""
    compared = joined(_comparison(base, head, noise))
    return markdown((*compared, *run_blocks(head), *run_blocks(base)))


def _comparison(base: Run, head: Run, noise: Noise | None) -> Iterator[Block]:
    """Head against base, or why they cannot be compared; doubts stand above all else."""
    suites = " and ".join(dict.fromkeys((base.suite, head.suite)))
    yield Heading(f"outboxbench: two runs of {suites}", 1)
    found = obstacles(base, head)
    for doubt in (*found.fatal, *found.serious):
        yield Paragraph((f"Beware: {doubt}.",), is_loud=True)
    if found.fatal:
        yield Paragraph(("The runs stand beside each other without a comparison.",))
        return
    comparisons = compare_runs(base, head, noise)
    yield from blocks_of(
        comparison_report(base, head, comparisons, (), is_calibrated=noise is not None)
    )


def _compared(told: Told) -> ComparedRun:
    charts = told.charts
    return ComparedRun(
        name=told.name,
        run=told.run,
        charts=tuple(map(_report_chart, charts.charts)),
        left_out=charts.left_out,
    )


def _report_chart(chart: RenderedChart) -> ReportChart:
    return ReportChart(
        name=chart.name,
        title=chart.title,
        reading=chart.reading,
        finding=chart.finding,
        description=chart.description,
        data=chart.data,
        svg=chart.files["svg"].read_text(),
        png=chart.files["png"].read_bytes(),
    )


def _write(told: Told, text: str) -> Path:
    path = told.folder.path / HTML_FILE
    write_whole(path, text)
    return path
