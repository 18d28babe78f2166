from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from tests.analysis import runs
from tests.report.relays import chain, drain

from outboxbench.report.plain import REPLACEMENTS, write_plainly
from outboxbench.report.terminal import print_report

if TYPE_CHECKING:
    from tests.report.conftest import MadeUpRun, RunBuilder

    from outboxbench.results.model import Run

FOLDER = Path("results/runs/20260301T120000Z-quick")


@pytest.fixture(params=["closed", "one loop", "sweep", "network", "relays"])
def any_run(
    request: pytest.FixtureRequest,
    quick_run: MadeUpRun,
    sweep_run: MadeUpRun,
    network_run: MadeUpRun,
) -> Run:
    """A run of each kind whose tables are not those of faults."""
    on_uvloop = tuple(
        arm.model_copy(update={"strategy": f"{arm.strategy}-single"[:19]})
        for arm in quick_run.run.arms
        if arm.loop != "asyncio"
    )
    relays = (*(drain(plan=plan) for plan in ("lease", "sharded", "delete")), chain())
    return {
        "closed": quick_run.run,
        "one loop": quick_run.run.model_copy(update={"arms": on_uvloop}),
        "sweep": sweep_run.run,
        "network": network_run.run,
        "relays": runs.run(relays=relays),
    }[request.param]


def printed(run: Run, *, width: int, encoding: str = "utf-8", is_terminal: bool = False) -> str:
    content = io.BytesIO()
    stream = io.TextIOWrapper(content, encoding=encoding, write_through=True)
    write_plainly((stream,))
    console = Console(file=stream, width=width, force_terminal=is_terminal, no_color=True)
    print_report(console, run, FOLDER)
    return content.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [60, 66, 72, 79, 80, 120])
def test_a_report_fits_its_terminal_with_every_row_on_one_line(any_run: Run, width: int) -> None:
    lines = printed(any_run, width=width).splitlines()

    assert max(map(len, lines)) <= width
    measured = len(any_run.arms) + len(any_run.relays)
    assert measured > 0
    rows = [line for line in lines if re.search(r"(pass|FAIL|unknown)$", line)]
    # But for the verdict of the run; a sweep has one row for all the rates of a strategy.
    swept = sum("% of own" in str(arm.settings.get("rate")) for arm in any_run.arms)
    assert len(rows) - 1 == measured - swept + len({arm.strategy for arm in any_run.arms}) * (
        swept > 0
    )


def test_a_narrow_table_keeps_what_decides(quick_run: MadeUpRun) -> None:
    headings = {
        width: printed(quick_run.run, width=width).split("---")[0] for width in (60, 70, 75, 80)
    }

    for text in headings.values():
        for heading in ("strategy", "loop", "ok/s", "asyncpg", "p50", "p99", "dict"):
            assert heading in text
    for heading, least in (("round", 80), ("ceil", 75), ("CPU", 70)):
        assert {width for width, text in headings.items() if heading in text} == {
            width for width in headings if width >= least
        }


def test_a_terminal_without_the_characters_gets_others_of_the_same_width(any_run: Run) -> None:
    full, plain = (printed(any_run, width=80, encoding=encoding) for encoding in ("utf-8", "ascii"))

    assert plain.isascii()
    assert "?" not in re.sub(r"^.*\?( \(.*)?$", "", plain, flags=re.MULTILINE)
    assert [len(line) for line in plain.splitlines()] == [len(line) for line in full.splitlines()]
    assert plain == "".join(REPLACEMENTS.get(character, character) for character in full)


def test_a_terminal_that_has_some_of_them_gets_these(quick_run: MadeUpRun) -> None:
    text = printed(quick_run.run, width=80, encoding="latin-1")

    assert "µs" in text
    assert "÷" in text
    assert not set(text) & set("▁▂▃▄▅▆▇█")


def test_what_is_no_terminal_gets_no_noise(any_run: Run) -> None:
    text = printed(any_run, width=80)

    assert "\x1b" not in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert not re.search(r"[\u2500-\u257f|]", text)


def test_a_terminal_is_told_the_same_as_a_file(any_run: Run) -> None:
    on_terminal = printed(any_run, width=80, is_terminal=True)
    plain = re.sub(r"\x1b\[[\d;]*m", "", on_terminal)

    assert "\x1b[1m" in on_terminal
    assert [line.rstrip() for line in plain.splitlines()] == printed(any_run, width=80).splitlines()


def test_the_first_answers_come_last_with_what_they_are_about(quick_run: MadeUpRun) -> None:
    text = printed(quick_run.run, width=80)
    questions = re.findall(r"^(\w.*\?) \(", text, flags=re.MULTILINE)

    assert questions == [
        "Can these figures be believed?",
        "Which strategy for throughput?",
        "What does the ORM cost?",
        "What does uvloop buy?",
    ]
    assert text.index("Verdict: pass") < text.index(questions[0]) < text.index("Results: ")
    assert "\nWhich strategy for throughput? (charge, matched, 16 clients, uvloop)\n" in text
    assert re.search(r"\n  asyncpg: [\d,]+ ok/s, 1\.\d\d \[", text)


def test_no_answer_is_made_up_where_nothing_was_compared(build_run: RunBuilder) -> None:
    made_up = build_run(strategies={"asyncpg": (900.0, 950.0)}, rounds=1)

    assert "Which strategy" not in printed(made_up.run, width=80)


def test_a_report_that_was_written_is_pointed_at(quick_run: MadeUpRun, tmp_path: Path) -> None:
    def told() -> str:
        file = io.StringIO()
        print_report(Console(file=file, width=80), quick_run.run, tmp_path)
        return file.getvalue()

    assert "Report:" not in told()
    (tmp_path / "report.html").write_text("", encoding="utf-8")
    assert f"Report: {tmp_path / 'report.html'}\n" in told()
