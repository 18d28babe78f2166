"""Whether a faster service is hurt less: the claims with what became of them, and the chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.thesis import CLAIMS, findings, thesis_points
from outboxbench.analysis.thesis_words import paragraph
from outboxbench.report.charts import thesis
from outboxbench.report.charts.chart import drawing
from outboxbench.report.charts.render import svg_text
from outboxbench.report.markdown import escaped
from outboxbench.report.readme.references import how_to_add, origin

if TYPE_CHECKING:
    from outboxbench.analysis.thesis import Finding
    from outboxbench.report.readme.references import References
    from outboxbench.results.model import Run

CHART: Final = "thesis.svg"

_SUITE: Final = "thesis"


def chart(references: References) -> str | None:
    """The chart as SVG; None where the suite is not there, or has too little to draw."""
    run = references.runs.get(_SUITE)
    if run is None or not _is_drawn(run):
        return None
    return svg_text(drawing(thesis, f", suite {_SUITE}", run))


def claims(references: References, up: str) -> str:
    """A row for each claim, a column for each fault."""
    run = references.runs.get(_SUITE)
    if run is None:
        return _missing()
    found = findings(thesis_points(run))
    faults = sorted({each.fault for each in found})
    heading = f"| it is claimed that | {' | '.join(faults)} |"
    rule = f"| --- |{' --- |' * len(faults)}"
    rows = [
        f"| {claim.says} | "
        + " | ".join(_told(each) for each in found if each.claim is claim)
        + " |"
        for claim in CLAIMS
    ]
    return "\n\n".join(("\n".join((heading, rule, *rows)), origin(run, up)))


def pictures(references: References, up: str) -> str:
    """The chart, and its figures in words."""
    run = references.runs.get(_SUITE)
    if run is None:
        return _missing()
    told = [escaped(paragraph(run))]
    if _is_drawn(run):
        told.insert(0, f"![{escaped(thesis.finding(run))}]({up}docs/charts/{CHART})")
    return "\n\n".join(told)


def _is_drawn(run: Run) -> bool:
    return any(each.rho is not None for each in findings(thesis_points(run)))


def _missing() -> str:
    return f"Nothing is in the reference yet: {how_to_add(_SUITE)} put it here."


def _told(finding: Finding) -> str:
    if finding.rho is None:
        return finding.answer
    return f"{finding.answer} (ρ {finding.rho:.2f}, {finding.points} arms)"
