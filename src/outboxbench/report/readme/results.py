"""All references: what they are, and everything that they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.analysis.answers import answers, caveat
from outboxbench.report.markdown import escaped
from outboxbench.report.numbers import rounds
from outboxbench.report.readme.references import WANTED, how_to_add, link, surroundings

if TYPE_CHECKING:
    from outboxbench.report.readme.references import References
    from outboxbench.results.model import Run


def listed(references: References, up: str) -> str:
    """A row for each reference, and which ones are wanted and not there."""
    rows = [_row(run, up) for run in references.in_order]
    heading = (
        "| suite | measured | machine | verdict | warnings |",
        "| --- | --- | --- | --- | --- |",
    )
    parts = ["\n".join((*heading, *rows))] if rows else []
    missing = [f"`{suite}`" for suite in WANTED if suite not in references.runs]
    if missing:
        parts.append(
            f"Not in the reference yet: {', '.join(missing)}. {how_to_add('…')} put one here."
        )
    return "\n\n".join(parts)


def answered(references: References, up: str) -> str:
    """Every answer of every reference, with what it stands on."""
    del up
    return "\n\n".join(_answers(run) for run in references.in_order) or (
        f"Nothing is in the reference yet: {how_to_add(WANTED[0])} put it here."
    )


def _row(run: Run, up: str) -> str:
    how_much = f", {rounds(run)}" if run.arms or run.relays else ""
    warnings = ", ".join(f"`{each.code}`" for each in run.warnings) or "none"
    return (
        f"| {link(run.suite, up)} | {run.started_at:%Y-%m-%d %H:%M} UTC{how_much} |"
        f" {surroundings(run)} | {run.verdict} | {warnings} |"
    )


def _answers(run: Run) -> str:
    doubt = caveat(run)
    told = [
        f"- **{escaped(each.question)}** {escaped(each.sentence)}\n  *{escaped(each.grounds)}*"
        for each in (*([] if doubt is None else [doubt]), *answers(run))
    ]
    return "\n".join((f"### {run.suite}", "", *(told or ["It answers no question by itself."])))
