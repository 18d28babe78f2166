"""All verdicts of a run under faults at a glance."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console, Group
from tests.analysis.fault_arms import CHECK, fault_arm
from tests.analysis.runs import run as a_run

from outboxbench.analysis.history.operations import NONE_LOST, NONE_TWICE
from outboxbench.report.fault_matrix import fault_matrix, markdown_matrix
from outboxbench.results.block import Check

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.results.document import Verdict
    from outboxbench.results.faults import FaultArm

STRATEGIES = (
    "asyncpg",
    "asyncpg-single",
    "asyncpg-group",
    "psycopg",
    "psycopg-single",
    "psycopg-pipeline",
    "psycopg-group",
    "core-asyncpg",
    "core-asyncpg-single",
    "core-psycopg",
    "orm-asyncpg",
    "orm-psycopg",
)


def printed(*arms: FaultArm) -> str:
    file = io.StringIO()
    Console(file=file, width=80).print(Group(*fault_matrix(a_run(faults=arms))))
    return file.getvalue()


def markdown(*arms: FaultArm) -> str:
    return markdown_matrix(a_run(faults=arms))


def cells(text: str, fault: str) -> list[str]:
    """What stands in the rows of a fault, over all blocks."""
    rows = [line.strip("| ") for line in text.splitlines()]
    return [
        cell.strip()
        for row in rows
        if re.match(rf"{fault}(  | \|)", row)
        for cell in re.split(r" *\| |  +", row.removeprefix(fault))
        if cell.strip()
    ]


def finding(name: str, fault: str, detail: str, *, check: str = NONE_LOST) -> FaultArm:
    """An arm that was there to fail a check, and did."""
    return fault_arm(name, fault, verdict="fail", expected_findings=(check,)).model_copy(
        update={"checks": (Check(name=check, verdict="fail", detail=detail),)}
    )


@pytest.mark.parametrize("told", [printed, markdown])
def test_every_fault_has_a_row_and_every_strategy_a_column_within_80_characters(
    told: Callable[..., str],
) -> None:
    faults = ("reset", "failover-async", "a-fault-with-quite-a-long-name")
    text = told(*(fault_arm(name, fault) for name in STRATEGIES for fault in faults))

    for fault in faults:
        assert cells(text, fault) == ["✓ pass"] * len(STRATEGIES)
    assert max(map(len, text.splitlines())) <= 80


def test_names_of_strategies_are_broken_on_the_terminal_and_whole_in_markdown() -> None:
    arms = [fault_arm(name, fault) for name in STRATEGIES for fault in ("reset", "stall")]

    headings = [line for line in markdown(*arms).splitlines() if line.startswith("| fault")]
    assert len(headings) > 1
    names = [name.strip() for line in headings for name in line.strip("| ").split("|")[1:]]
    assert names == sorted(STRATEGIES)
    assert "core-asyncpg-single" not in printed(*arms)
    assert {"core-", "asyncpg-", "single"} <= set(printed(*arms).split())


@pytest.mark.parametrize("told", [printed, markdown])
@pytest.mark.parametrize(
    ("verdict", "cell"), [("pass", "✓ pass"), ("fail", "✗ FAIL"), ("unknown", "? unknown")]
)
def test_a_cell_is_the_verdict_in_a_word(
    verdict: Verdict, cell: str, told: Callable[..., str]
) -> None:
    text = told(fault_arm("asyncpg", "reset", verdict=verdict), fault_arm("psycopg", "stall"))

    assert cells(text, "reset") == [cell, "–"]
    assert cells(text, "stall") == ["–", "✓ pass"]


@pytest.mark.parametrize("told", [printed, markdown])
def test_what_was_to_be_found_is_counted_and_is_no_plain_pass(told: Callable[..., str]) -> None:
    lucky = fault_arm("asyncpg", "stall", expected_findings=(CHECK,))
    text = told(
        finding("asyncpg", "reset", "37 of 1195 are lost: 30"),
        finding("psycopg", "reset", "7 of 799 were applied more than once", check=NONE_TWICE),
        lucky.model_copy(
            update={
                "checks": (Check(name=NONE_LOST, verdict="pass", detail="0 of 9 are lost"),),
                "expected_findings": (NONE_LOST,),
            }
        ),
        finding("psycopg", "stall", "seen", check="of somebody else"),
    )

    assert cells(text, "reset") == ["lost 37", "twice 7"]
    assert cells(text, "stall") == ["lost 0", "found"]


def test_what_fails_beside_a_finding_is_a_failure() -> None:
    arm = finding("asyncpg", "reset", "37 of 1195 are lost")
    other = Check(name=CHECK, verdict="fail", detail="1 of 2")
    arm = arm.model_copy(update={"checks": (*arm.checks, other)})

    assert cells(printed(arm, fault_arm("psycopg", "stall")), "reset") == ["✗ FAIL", "–"]


def test_what_else_tells_arms_apart_makes_rows_of_its_own() -> None:
    text = printed(
        fault_arm("asyncpg", "reset", retries="safe"),
        fault_arm("asyncpg", "reset", retries="naive", verdict="fail"),
        fault_arm("psycopg", "reset", retries="safe"),
    )
    assert cells(text, "reset safe") == ["✓ pass", "✓ pass"]
    assert cells(text, "reset naive") == ["✗ FAIL", "–"]


@pytest.mark.parametrize("told", [printed, markdown])
def test_a_single_row_or_column_is_no_matrix(told: Callable[..., str]) -> None:
    assert told(fault_arm("asyncpg"), fault_arm("psycopg")).strip() == ""
    assert told(fault_arm("asyncpg", "reset"), fault_arm("asyncpg", "stall")).strip() == ""
