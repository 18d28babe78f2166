"""A regression check in Markdown, for a job's summary or a comment on a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.report.regression.words import (
    GATES,
    advice,
    headline,
    metric_name,
    ordered,
    value,
)

if TYPE_CHECKING:
    from outboxbench.results.regression import Finding, Gate, Regression

MARKER: Final = "<!-- outboxbench regress -->"
"""Stands in each comment, so that the next check finds it and replaces it."""

_SIGNS: Final = {"regression": "❌", "inconclusive": "❔", "improvement": "✅", "same": "✅"}


def regression_markdown(document: Regression, *, strict: bool) -> str:
    """Return the text; a gate that found nothing is one line of it."""
    lines = [MARKER, f"## {_SIGNS[document.decision]} {_plain(headline(document))}", ""]
    for gate in document.gates:
        lines += _gate(gate)
    lines += [f"- {_plain(note)}" for note in document.notes]
    if (advised := advice(document, strict=strict)) is not None:
        lines += ["", advised]
    lines += ["", f"Repeat it with `{document.command}`.", ""]
    return "\n".join(lines)


def _gate(gate: Gate) -> list[str]:
    title = GATES[gate.name]
    if gate.decision is None:
        return [f"- {title}: not asked, {_plain(gate.detail)}"]
    sign = _SIGNS[gate.decision]
    first = f"- {sign} {title}: **{gate.decision}** ({_plain(gate.detail)}; {gate.seconds:.0f} s)"
    if not gate.findings:
        return [first]
    return [
        first,
        "",
        "| what | metric | base | head | ratio | decision |",
        "| --- | --- | ---: | ---: | ---: | --- |",
        *(_row(each) for each in ordered(gate.findings)),
        "",
    ]


def _row(finding: Finding) -> str:
    known = finding.head_value is not None or finding.base_value is not None
    ratio = (
        f"{finding.ratio:.3f} [{finding.low:.3f}, {finding.high:.3f}]"
        if finding.ratio is not None
        else ""
        if known
        else finding.detail
    )
    advisory = " (advisory)" if finding.is_advisory else ""
    cells = (
        finding.subject,
        metric_name(finding),
        value(finding.base_value, finding.unit) if known else "",
        value(finding.head_value, finding.unit) if known else "",
        ratio,
        f"{_SIGNS[finding.decision]} {finding.decision}{advisory}",
    )
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    """What a name or a message holds is text, whatever it looks like."""
    for special in ("\\", "|", "`", "*", "_", "<", "[", "]"):
        text = text.replace(special, f"\\{special}")
    return text.replace("\n", " ")
