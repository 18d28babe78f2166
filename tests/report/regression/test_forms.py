"""A check in a terminal, in Markdown, and as other tools read it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from rich.console import Console

from outboxbench.report.regression.exports import bencher_metrics, junit, smaller_is_better
from outboxbench.report.regression.markdown import MARKER, regression_markdown
from outboxbench.report.regression.terminal import print_regression

if TYPE_CHECKING:
    from outboxbench.results.regression import Regression


def printed(document: Regression, *, strict: bool = False) -> str:
    console = Console(file=io.StringIO(), width=120)
    print_regression(console, document, Path("results/regressions/x"), strict=strict)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_first_line_is_the_answer_and_names_both_commits(refused: Regression) -> None:
    first = "Worse: bbbbbbbbbb against origin/main (aaaaaaaaaa), suite ci, 540 s"

    assert printed(refused).splitlines()[0] == first
    assert regression_markdown(refused, strict=False).splitlines()[:2] == [MARKER, f"## ❌ {first}"]


def test_what_is_worse_stands_before_what_is_not_and_what_is_advisory_last(
    refused: Regression,
) -> None:
    for text in (printed(refused), regression_markdown(refused, strict=False)):
        places = [text.index(each) for each in ("ok/s", "median latency", "99th percentile")]
        assert places == sorted(places)
        assert "regression (advisory)" in text


def test_a_gate_that_was_not_asked_says_why(broken: Regression) -> None:
    for text in (printed(broken), regression_markdown(broken, strict=False)):
        assert "Throughput, latency, CPU: not asked, what is certain has refused" in text


def test_what_is_not_decided_fails_where_it_is_meant_to(refused: Regression) -> None:
    open_ = refused.model_copy(update={"decision": "inconclusive"})

    assert "fails nothing without --strict" in printed(open_)
    assert "and so it fails" in printed(open_, strict=True)


def test_names_and_messages_are_text_in_markdown(refused: Regression) -> None:
    text = regression_markdown(refused, strict=False)

    assert r"\<b>no \*evidence\*\</b>" in text
    assert r"mine\|other" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {7}


@pytest.mark.parametrize(("strict", "failures"), [(False, 1), (True, 2)])
def test_junit_has_a_failure_for_each_finding_that_refuses(
    refused: Regression, strict: bool, failures: int
) -> None:
    suites = ElementTree.fromstring(junit(refused, strict=strict))  # noqa: S314 - our own

    assert len(suites.findall(".//failure")) == failures
    assert sum(int(suite.attrib["failures"]) for suite in suites) == failures
    assert sum(int(suite.attrib["tests"]) for suite in suites) == len(suites.findall(".//testcase"))
    timing = suites.findall("testsuite")[2]
    # What is advisory fails nothing, and is no case.
    assert [case.attrib["name"] for case in timing] == [
        "asyncpg charge, 4 clients: ok/s",
        "asyncpg charge, 4 clients: median latency",
    ]


def test_a_gate_that_was_not_asked_is_skipped_in_junit(broken: Regression) -> None:
    suites = ElementTree.fromstring(junit(broken, strict=True))  # noqa: S314 - our own

    (case,) = suites.findall("testsuite")[2]
    assert case.find("skipped") is not None


def test_histories_get_ratios_of_which_less_is_better(refused: Regression) -> None:
    entries = {each["name"]: each for each in json.loads(smaller_is_better(refused))}
    metrics = json.loads(bencher_metrics(refused))["asyncpg charge, 4 clients"]

    throughput = entries["asyncpg charge, 4 clients: ok/s"]
    assert throughput["value"] == pytest.approx(2.0)
    assert throughput["unit"] == "times the base"
    assert metrics["ok-per-s-ratio"]["value"] == pytest.approx(2.0)
    assert metrics["latency-p99-ratio"]["value"] == pytest.approx(1.9)
    for measure in metrics.values():
        assert measure["lower_value"] < measure["value"] < measure["upper_value"]


def test_histories_get_nothing_where_nothing_was_timed(broken: Regression) -> None:
    assert json.loads(smaller_is_better(broken)) == []
    assert json.loads(bencher_metrics(broken)) == {}
