"""All verdicts of a run under faults at a glance."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console, Group
from tests.analysis.fault_arms import CHECK, fault_arm
from tests.analysis.runs import run as a_run

from outboxbench.report.fault_matrix import fault_matrix

if TYPE_CHECKING:
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


def signs(text: str, fault: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(fault + " ")]
    return line.removeprefix(fault).split()


def test_every_fault_has_a_row_and_every_strategy_a_column_within_80_characters() -> None:
    text = printed(
        *(fault_arm(name, fault) for name in STRATEGIES for fault in ("reset", "failover-async"))
    )
    assert signs(text, "reset") == signs(text, "failover-async") == ["✓"] * len(STRATEGIES)
    words = " ".join(text.split())
    for number, name in enumerate(sorted(STRATEGIES), 1):
        assert f"{number} {name}" in words
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("verdict", "expected_findings", "sign"),
    [("pass", (), "✓"), ("fail", (), "✗"), ("unknown", (), "?"), ("fail", (CHECK,), "✓*")],
)
def test_a_sign_tells_what_the_verdict_is_worth(
    verdict: str, expected_findings: tuple[str, ...], sign: str
) -> None:
    text = printed(
        fault_arm("asyncpg", "reset", verdict=verdict, expected_findings=expected_findings),  # type: ignore[arg-type]
        fault_arm("psycopg", "stall"),
    )
    assert signs(text, "reset") == [sign, "–"]
    assert signs(text, "stall") == ["–", "✓"]


def test_what_else_tells_arms_apart_makes_rows_of_its_own() -> None:
    text = printed(
        fault_arm("asyncpg", "reset", retries="safe"),
        fault_arm("asyncpg", "reset", retries="naive", verdict="fail"),
        fault_arm("psycopg", "reset", retries="safe"),
    )
    assert signs(text, "reset safe") == ["✓", "✓"]
    assert signs(text, "reset naive") == ["✗", "–"]


def test_a_single_row_or_column_is_no_matrix() -> None:
    assert printed(fault_arm("asyncpg"), fault_arm("psycopg")).strip() == ""
    assert printed(fault_arm("asyncpg", "reset"), fault_arm("asyncpg", "stall")).strip() == ""
