"""The report of a run: one HTML file that opens from a disk, without a network."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from outboxbench.report.failed_checks import doubted_arms
from outboxbench.report.fault_matrix import sign_of
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
from outboxbench.report.html.surroundings import surroundings
from outboxbench.report.html.table import Group
from outboxbench.report.verdicts import cautions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from outboxbench.analysis.answers import Answer
    from outboxbench.report.fault_matrix import Sign
    from outboxbench.report.html.inputs import ReportChart
    from outboxbench.results.model import Run

QUESTION: Final = "Which persistence layer should an event-driven service on PostgreSQL use?"
"""What is asked of a run that no other question was asked of."""

_FILTERS: Final = ("strategy", "loop", "profile")


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
    templates = _templates()
    style, script = (_source(templates, name) for name in ("report.css", "report.js"))
    groups = tuple(_groups(run))
    return templates.get_template("page.html.jinja").render(
        run=run,
        verdict=mark_of(run.verdict),
        verdict_sentence=_verdict_sentence(run),
        cautions=tuple(cautions(run)),
        doubted=tuple(doubted_arms(run)),
        question=QUESTION,
        answers=answers,
        charts=tuple(chart_sections(charts)),
        left_out=left_out,
        groups=groups,
        choices=_choices(groups),
        surroundings=surroundings(run),
        style=style,
        script=script,
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("outboxbench.report.html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def _source(templates: Environment, name: str) -> str:
    """A file that stands in the page as it is: it is ours, and holds nothing of a run."""
    assert templates.loader is not None
    return templates.loader.get_source(templates, name)[0]


def _hash(source: str) -> str:
    """What a content security policy allows this text by, and no other."""
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"


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


def _choices(groups: Sequence[Group]) -> dict[str, list[str]]:
    """What rows can be chosen by; nothing where all are alike."""
    rows = [row for group in groups for table in group.tables for row in table.rows]
    values = {trait: sorted({getattr(row, trait) for row in rows} - {None}) for trait in _FILTERS}
    return {trait: found for trait, found in values.items() if len(found) > 1}


def _verdict_sentence(run: Run) -> str:
    signs: list[Sign] = [arm.verdict for arm in run.arms]
    signs += [arm.verdict for arm in run.relays]
    signs += map(sign_of, run.faults)
    failed, unknown, expected = (signs.count(sign) for sign in ("fail", "unknown", "expected"))
    arms = f"{len(signs)} arm{'' if len(signs) == 1 else 's'}"
    aside = f" {expected} failed as they are there to." if expected else ""
    if not signs:
        return "Nothing was measured, so nothing can be said."
    if run.verdict == "pass":
        return f"Every check of {arms} held.{aside}"
    if run.verdict == "fail":
        also = f", and for {unknown} it cannot be told" if unknown else ""
        return f"{failed} of {arms} broke a check{also}: do not use their figures.{aside}"
    return f"For {unknown} of {arms} it cannot be told whether every check held.{aside}"
