from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from outboxbench.report.numbers import BLANK
from outboxbench.report.terminal import print_report

if TYPE_CHECKING:
    import pytest
    from tests.report.conftest import MadeUpRun, RunBuilder

    from outboxbench.results.model import Run

FOLDER = Path("results/runs/20260301T120000Z-quick")


def printed(run: Run, *, width: int = 80, force_terminal: bool | None = None) -> str:
    file = io.StringIO()
    print_report(Console(file=file, width=width, force_terminal=force_terminal), run, FOLDER)
    return file.getvalue()


def row(text: str, *words: str) -> str:
    """The only line that begins with these words."""
    [line] = [line for line in text.splitlines() if tuple(line.split())[: len(words)] == words]
    return line


def test_a_piped_report_is_plain_text_of_80_columns(quick_run: MadeUpRun) -> None:
    text = printed(quick_run.run)

    assert "\x1b" not in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_colour_can_be_refused(quick_run: MadeUpRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    without = printed(quick_run.run, force_terminal=True)
    monkeypatch.delenv("NO_COLOR")
    with_colour = printed(quick_run.run, force_terminal=True)

    assert "\x1b[32m" in with_colour
    assert "\x1b[32m" not in without


def test_every_arm_has_a_row_with_its_figures_and_its_verdict(quick_run: MadeUpRun) -> None:
    text = printed(quick_run.run)

    for arm in quick_run.run.arms:
        words = row(text, arm.strategy, arm.loop or "ceiling").split()
        assert arm.summary is not None
        assert words[2] == f"{arm.summary.ok_per_s_median:,.0f}"
        assert len(words) == 9
        assert words[-1] == "pass"


def test_arms_are_ranked_by_throughput_below_their_ceiling(quick_run: MadeUpRun) -> None:
    lines = printed(quick_run.run).splitlines()
    rates = [
        int(line.split()[2].replace(",", ""))
        for line in lines
        if line.split()[1:2] in (["asyncio"], ["uvloop"], ["ceiling"])
    ]

    assert len(rates) == 13
    assert rates == sorted(rates, reverse=True)


def test_workloads_and_profiles_have_tables_of_their_own(build_run: RunBuilder) -> None:
    made_up = build_run(workloads=("charge", "place"), profiles=("matched", "idiomatic"))

    text = printed(made_up.run)

    for workload in ("charge", "place"):
        for profile in ("matched", "idiomatic"):
            assert text.count(f"{workload}, {profile} profile") == 1
    assert text.count("asyncpg      uvloop") == 4


def test_the_only_loop_stands_in_the_title_and_leaves_room_for_long_names(
    quick_run: MadeUpRun,
) -> None:
    arms = tuple(
        arm.model_copy(update={"strategy": "core-asyncpg-single"})
        if arm.strategy == "core-asyncpg"
        else arm
        for arm in quick_run.run.arms
        if arm.loop != "asyncio"
    )

    text = printed(quick_run.run.model_copy(update={"arms": arms}))

    assert "charge, matched profile, uvloop" in text
    assert len(row(text, "core-asyncpg-single").split()) == 8
    assert max(map(len, text.splitlines())) <= 80


def test_a_failed_check_is_told_once_with_its_rounds(build_run: RunBuilder) -> None:
    text = printed(build_run(failing=("psycopg-uvloop",)).run)

    assert row(text, "psycopg", "uvloop").rstrip().endswith("FAIL")
    assert row(text, "psycopg", "asyncio").rstrip().endswith("pass")
    assert "Verdict: FAIL" in text
    assert text.count("rows against counts (in 5 of 5 rounds): 412 messages for 413") == 1


def test_what_was_not_measured_is_blank(build_run: RunBuilder) -> None:
    made_up = build_run(window_s=0.05, rounds=1)
    arms = tuple(
        arm.model_copy(update={"blocks": (), "summary": None, "verdict": "unknown"})
        if arm.name == "orm-psycopg-uvloop"
        else arm
        for arm in made_up.run.arms
    )

    text = printed(made_up.run.model_copy(update={"arms": arms, "verdict": "unknown"}))

    assert row(text, "orm-psycopg", "uvloop").split()[2:] == [*[BLANK] * 7, "unknown"]
    assert "orm-psycopg-uvloop: unknown, no block was measured" in text
    # 40 samples carry a median, and no more.
    assert row(text, "orm-psycopg", "asyncio").split()[5] == BLANK


def test_warnings_come_with_their_advice(quick_run: MadeUpRun) -> None:
    text = printed(quick_run.run)

    assert "Warning: 5 rounds find only large differences." in text
    assert "Repeat with --rounds 12" in text


def test_operations_that_did_not_succeed_are_told_beside_the_rate(quick_run: MadeUpRun) -> None:
    run = quick_run.run
    assert "did not succeed" not in printed(run)
    first, *others = run.arms
    assert first.summary is not None
    outcomes = first.summary.outcomes.model_copy(
        update={"ok": 900, "ok_recovered": 0, "failed": 99, "indeterminate": 1}
    )
    summary = first.summary.model_copy(update={"outcomes": outcomes})
    lossy = run.model_copy(
        update={"arms": (first.model_copy(update={"summary": summary}), *others)}
    )

    told = row(printed(lossy), "operations", "that", "did", "not", "succeed:")
    assert told.rstrip().endswith(f"{first.strategy} {first.loop or 'ceiling'} 10.00%")


def test_an_interrupted_run_says_so(quick_run: MadeUpRun) -> None:
    assert "Incomplete" not in printed(quick_run.run)
    assert "Incomplete" in printed(quick_run.run.model_copy(update={"complete": False}))


def test_a_server_that_may_lose_commits_is_named_beside_the_figures(build_run: RunBuilder) -> None:
    made_up = build_run(server_settings={"synchronous_commit": "off"})

    assert "NOT the usual durability: synchronous_commit=off" in printed(made_up.run)


def test_the_path_of_the_results_is_never_broken(quick_run: MadeUpRun) -> None:
    assert f"Results: {FOLDER}\n" in printed(quick_run.run, width=30)


def test_names_of_third_parties_are_text_and_no_markup(build_run: RunBuilder) -> None:
    made_up = build_run(strategies={"[bold]mine[/nope]": (900.0, 950.0)})

    assert "[bold]mine[/nope]" in printed(made_up.run, width=100)
