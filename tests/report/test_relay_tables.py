"""Relays on the terminal: each arm with its figures and its verdict."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from tests.report.relays import FAULT, chain, chains, drain, drains, run, unmeasured

from outboxbench.report.numbers import BLANK
from outboxbench.report.terminal import print_report

if TYPE_CHECKING:
    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayArm

SIZES = (1, 4, 20)


def printed(run: Run) -> str:
    file = io.StringIO()
    print_report(Console(file=file, width=80), run, Path("results"))
    return file.getvalue()


def row(text: str, *told: str) -> list[str]:
    """The words of the only line that begins with these."""
    [line] = [line for line in text.splitlines() if tuple(line.split())[: len(told)] == told]
    return line.split()


@pytest.mark.parametrize("count", SIZES)
def test_tables_of_relays_fit_80_columns_and_cut_nothing(count: int) -> None:
    text = printed(run(*drains(count), *chains(count)))

    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    # Nothing is broken but names: notes have lines of their own that fit.
    assert "confirmed; chain from an order's commit until the broker has its confirmation\n" in text


def test_a_drain_has_a_row_with_its_figures_and_its_verdict() -> None:
    text = printed(run(drain(rate=20_000.0), drain("psycopg", rate=10_000.0, ratio=0.5)))

    assert "10,000 messages of 1,000 aggregates, interleaved" in text
    first = row(text, "asyncpg", "lease")
    assert first[2:] == ["20,000", "19,000", "21,000", "41.2", "23.4", "pass"]
    second = row(text, "psycopg", "lease")
    assert second[2:] == [
        *("10,000", "9,500", "10,500"),
        *("0.50", "[0.49,", "0.51]"),
        *("41.2", "23.4", "pass"),
    ]
    assert "medians of 3 rounds" in text
    assert "batch=500, broker=memory, lease_s=10.0" in text


def test_a_chain_has_a_row_with_its_hops_and_its_verdict() -> None:
    text = printed(run(chain(), rounds=1))

    assert "150 orders per second, each charged for and confirmed" in text
    assert row(text, "asyncpg", "lease")[2:] == [
        *("2.60", "10.4", "1.90", "9.00", "36.0", "1.80", "310", "pass")
    ]
    assert "1 round of 1 s, merged; 2 duplicates, 0 out of order" in text


def test_what_too_few_messages_cannot_tell_is_blank() -> None:
    few, fewest = chain(samples=500), chain("psycopg", samples=5)

    text = printed(run(few, fewest, unmeasured(chain("orm-psycopg"))))

    assert row(text, "asyncpg", "lease")[2:] == [
        *("2.60", BLANK, "1.90", "9.00", BLANK, "1.80", "310", "pass")
    ]
    assert row(text, "psycopg", "lease")[2:] == [*[BLANK] * 6, "310", "pass"]
    assert row(text, "orm-psycopg", "lease")[2:] == [*[BLANK] * 7, "unknown"]
    assert "unknown, no block was measured" in " ".join(text.split())


def test_a_drain_that_was_not_measured_is_blank() -> None:
    text = printed(run(drain(), unmeasured(drain("psycopg"))))

    assert row(text, "psycopg", "lease")[2:] == [*[BLANK] * 6, "unknown"]


@pytest.mark.parametrize("arm", [drain(verdict="fail"), chain(verdict="fail")])
def test_an_arm_that_failed_is_marked_and_its_failed_check_told_once(arm: RelayArm) -> None:
    other = (drain if arm.scenario == "drain" else chain)("psycopg")
    text = printed(run(arm, other))

    assert row(text, "asyncpg", "lease")[-1] == "FAIL"
    assert row(text, "psycopg", "lease")[-1] == "pass"
    assert "Verdict: FAIL" in text
    told = " ".join(text.split())
    assert told.count(FAULT) == 1
    assert f"every committed message is delivered (in 1 of 3 rounds): {FAULT}" in told
    assert f"{arm.name}: FAIL" in told
    assert f"{other.name}:" not in told


def test_names_of_third_parties_are_text_and_no_markup() -> None:
    assert "[b]mine[/no] lease" in printed(run(drain("[b]mine[/no]"), chain("[b]mine[/no]")))
