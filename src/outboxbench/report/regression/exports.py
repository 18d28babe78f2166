"""A regression check for other tools: JUnit, github-action-benchmark, and Bencher's metric format.

Both histories get ratios to the base, as the times of two machines say nothing about each other.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from outboxbench.report.regression.words import GATES, metric_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.regression import Finding, Gate, Regression


def junit(document: Regression, *, strict: bool) -> str:
    """Return JUnit XML: a test case for each finding that decides, or for a gate that has none."""
    suites = ElementTree.Element("testsuites", name="outboxbench regress")
    for gate in document.gates:
        cases = [*_cases(gate, strict=strict)]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=GATES[gate.name],
            tests=str(len(cases)),
            failures=str(sum(case.find("failure") is not None for case in cases)),
            skipped=str(sum(case.find("skipped") is not None for case in cases)),
            errors="0",
            time=f"{gate.seconds:.3f}",
        )
        suite.extend(cases)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def smaller_is_better(document: Regression) -> str:
    """Return what github-action-benchmark reads as `customSmallerIsBetter`."""
    entries = [
        {
            "name": f"{finding.subject}: {metric_name(finding)}",
            "unit": "times the base",
            "value": round(ratio, 4),
            "range": f"{low:.4f} to {high:.4f}",
            "extra": finding.detail,
        }
        for finding, ratio, low, high in _cost_ratios(document)
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def bencher_metrics(document: Regression) -> str:
    """Return Bencher Metric Format: by benchmark, and there by measure."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for finding, ratio, low, high in _cost_ratios(document):
        measure = f"{finding.metric.replace('_', '-')}-ratio"
        found.setdefault(finding.subject, {})[measure] = {
            "value": round(ratio, 4),
            "lower_value": round(low, 4),
            "upper_value": round(high, 4),
        }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _cost_ratios(document: Regression) -> Iterator[tuple[Finding, float, float, float]]:
    """Each ratio with its interval, so that less is better: that of throughput is turned over."""
    for finding in document.gate("timing").findings:
        ratio, low, high = finding.ratio, finding.low, finding.high
        if ratio is None or low is None or high is None:
            continue
        if finding.metric == "ok_per_s":
            ratio, low, high = 1 / ratio, 1 / high, 1 / low
        yield finding, ratio, low, high


def _cases(gate: Gate, *, strict: bool) -> Iterator[ElementTree.Element]:
    deciding = [each for each in gate.findings if not each.is_advisory]
    for finding in deciding:
        case = _case(gate, f"{finding.subject}: {metric_name(finding)}")
        _judge(case, finding.decision, finding.detail, strict=strict)
        yield case
    if not deciding:
        case = _case(gate, gate.detail)
        if gate.decision is None:
            ElementTree.SubElement(case, "skipped", message=gate.detail)
        yield case


def _case(gate: Gate, name: str) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=f"regress.{gate.name}", name=name)


def _judge(case: ElementTree.Element, decision: Any, detail: str, *, strict: bool) -> None:
    if decision == "regression" or (strict and decision == "inconclusive"):
        ElementTree.SubElement(case, "failure", type=decision, message=detail)
    elif decision == "inconclusive":
        ElementTree.SubElement(case, "skipped", message=f"inconclusive: {detail}")
