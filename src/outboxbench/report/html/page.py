"""The report of a run: one HTML file that opens from a disk, without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers import caveat
from outboxbench.report.failed_checks import doubted_arms
from outboxbench.report.html.arm_tables import (
    ARMS_LEGEND,
    SWEEPS_LEGEND,
    arm_tables,
    sweep_tables,
)
from outboxbench.report.html.charts import chart_sections
from outboxbench.report.html.comparison_table import COMPARISONS_LEGEND, comparison_tables
from outboxbench.report.html.drawn_tables import DRAWN_LEGEND, drawn_tables
from outboxbench.report.html.fault_tables import (
    FAULTS_LEGEND,
    MATRIX_LEGEND,
    fault_matrix_tables,
    fault_tables,
)
from outboxbench.report.html.marks import mark_of
from outboxbench.report.html.relay_tables import RELAYS_LEGEND, relay_tables
from outboxbench.report.html.rendering import rendered
from outboxbench.report.html.surroundings import surroundings
from outboxbench.report.html.table import Group, choices
from outboxbench.report.html.verdict_words import verdict_sentence
from outboxbench.report.verdicts import cautions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from outboxbench.analysis.answers import Answer
    from outboxbench.report.html.inputs import ReportChart
    from outboxbench.results.model import Run

QUESTION: Final = "Which persistence layer should an event-driven service on PostgreSQL use?"
"""What is asked of a run that no other question was asked of."""


def render_html(
    run: Run,
    charts: Sequence[ReportChart],
    left_out: Mapping[str, str],
    answers: Sequence[Answer],
) -> str:
    """Return the whole file as text.

    Args:
        run: what was measured.
        charts: the drawn ones, in the order in which they are shown.
        left_out: why a chart is not among them, by its name.
        answers: the most important first.
    """
    groups = tuple(_groups(run))
    return rendered(
        "page.html.jinja",
        {
            "run": run,
            "verdict": mark_of(run.verdict),
            "verdict_sentence": verdict_sentence(run),
            "cautions": tuple(cautions(run)),
            "doubted": tuple(doubted_arms(run)),
            "doubt": caveat(run),
            "question": QUESTION,
            "answers": answers,
            "charts": tuple(chart_sections(charts)),
            "left_out": left_out,
            "groups": groups,
            "choices": choices(groups),
            "surroundings": surroundings(run),
        },
    )


def _groups(run: Run) -> Iterator[Group]:
    """The tables of the run; only groups that have some."""
    for title, legend, tables in (
        ("Verdicts under faults", MATRIX_LEGEND, fault_matrix_tables(run)),
        ("Throughput and latency", ARMS_LEGEND, arm_tables(run)),
        ("Rising rates", SWEEPS_LEGEND, sweep_tables(run)),
        ("Comparisons", COMPARISONS_LEGEND, comparison_tables(run)),
        ("Relays", RELAYS_LEGEND, relay_tables(run)),
        ("Availability under faults", FAULTS_LEGEND, fault_tables(run)),
        ("Faults in turns", DRAWN_LEGEND, drawn_tables(run)),
    ):
        if told := tuple(table for table in tables if table.rows):
            yield Group(title, legend, told)
