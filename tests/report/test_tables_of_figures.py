"""Tables on the terminal: plain dashes, within 80 columns, of characters that any encoding has."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console, Group
from tests.analysis import runs
from tests.costs import command, costs
from tests.report import faults

from outboxbench.analysis.calibration import noise_of
from outboxbench.analysis.two_runs import compare_runs
from outboxbench.report.comparison_table import comparison_report
from outboxbench.report.cost_table import cost_report
from outboxbench.report.drawn_table import drawn_report
from outboxbench.report.fault_matrix import fault_matrix
from outboxbench.report.fault_table import fault_report
from outboxbench.report.figures_table import VERDICT, Name, figures_table
from outboxbench.report.noise_table import print_noise
from outboxbench.report.plain import REPLACEMENTS, write_plainly
from outboxbench.report.recovery_table import recovery_report
from outboxbench.results.faults import DRAWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.results.model import Run

WOBBLE = (0.0, 0.02, -0.02, 0.01, -0.01, 0.015)


def two_arms() -> Run:
    """The same arm twice, measured in the same rounds."""
    one = [runs.block(number, 1000 * (1 + wobble)) for number, wobble in enumerate(WOBBLE)]
    other = [runs.block(number, 1000 * (1 - wobble)) for number, wobble in enumerate(WOBBLE)]
    return runs.run(
        runs.arm("asyncpg/uvloop", one),
        runs.arm("asyncpg/uvloop/copy 2", other, copy_number=2),
    )


def under_faults() -> Run:
    return faults.run(*faults.many(12, 3), faults.arm(profile="idiomatic", server_ready_ms=200))


def print_comparison(console: Console) -> None:
    base = two_arms()
    compared = compare_runs(base, base, None)
    console.print(comparison_report(base, base, compared, ("a doubt",), is_calibrated=False))


REPORTS: dict[str, Callable[[Console], None]] = {
    "faults": lambda console: console.print(Group(*fault_report(under_faults()))),
    "recovery": lambda console: console.print(Group(*recovery_report(under_faults()))),
    "matrix": lambda console: console.print(Group(*fault_matrix(under_faults()))),
    "in turns": lambda console: console.print(
        Group(*drawn_report(faults.run(faults.arm(fault=DRAWN))))
    ),
    "costs": lambda console: console.print(cost_report(costs(command(), command("asyncpg")))),
    "noise": lambda console: print_noise(console, noise_of(two_arms()), Path("noise.json")),
    "comparison": print_comparison,
}


def printed(report: Callable[[Console], None], encoding: str) -> str:
    content = io.BytesIO()
    stream = io.TextIOWrapper(content, encoding=encoding, write_through=True)
    write_plainly((stream,))
    report(Console(file=stream, width=80))
    return content.getvalue().decode(encoding)


@pytest.mark.parametrize("name", REPORTS)
def test_a_table_has_no_rules_but_one_of_dashes_and_fits_80_columns(name: str) -> None:
    lines = printed(REPORTS[name], "utf-8").splitlines()

    assert [line for line in lines if re.fullmatch(r"-[- ]*-", line.strip())]
    assert max(map(len, lines)) <= 80
    assert not re.search(r"[\u2500-\u257f|]", "".join(lines))


@pytest.mark.parametrize("name", REPORTS)
def test_where_the_encoding_has_few_characters_each_is_replaced_by_one(name: str) -> None:
    full, plain = (printed(REPORTS[name], encoding) for encoding in ("utf-8", "ascii"))

    assert {character for character in full if not character.isascii()} <= REPLACEMENTS.keys()
    assert plain == "".join(REPLACEMENTS.get(character, character) for character in full)


def test_names_are_folded_before_a_figure_or_a_word_is_cut() -> None:
    table = figures_table("", ("name",), ("messages\n/s",), (VERDICT,))
    table.add_row("a-name-that-is-long " * 8, "1,234,567", "unknown")

    text = printed(lambda console: console.print(table), "utf-8")

    assert max(map(len, text.splitlines())) <= 80
    assert {"1,234,567", "unknown"} <= set(text.split())
    assert "…" not in text


def test_columns_stand_as_far_apart_as_is_asked_for() -> None:
    def heading(gap: int) -> str:
        table = figures_table("", ("a",), ("b",), ("c",), gap=gap)
        table.add_row("x", "y", "z")
        return printed(lambda console: console.print(table), "utf-8").splitlines()[0].rstrip()

    assert [heading(gap) for gap in (1, 2, 3)] == ["a b c", "a  b  c", "a   b   c"]


def test_headings_are_text_and_no_markup() -> None:
    table = figures_table("", ("name",), ("÷ [b]x[/no]",))

    assert "[b]x[/no]" in printed(lambda console: console.print(table), "utf-8")


def test_a_name_is_broken_after_a_hyphen_before_it_is_broken_elsewhere() -> None:
    table = figures_table("", ("strategy",), ("figure",))
    table.add_row(Name("core-asyncpg-single"), "1" * 10)
    table.add_row(Name("psycopg off"), "2" * 10)
    file = io.StringIO()
    Console(file=file, width=24).print(table)

    lines = [line.strip() for line in file.getvalue().splitlines()]
    assert lines[2:] == ["core-asyncpg-", "single        1111111111", "psycopg off   2222222222"]
