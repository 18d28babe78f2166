from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from tests.analysis.fault_arms import fault_arm
from tests.analysis.runs import run as a_run

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
        is_compared = arm.loop and arm.strategy != "asyncpg"
        assert len(words) == (12 if is_compared else 9)
        assert len(words[4]) == len(arm.blocks)
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
    assert (
        len([line for line in text.splitlines() if line.split()[:2] == ["asyncpg", "uvloop"]]) == 4
    )


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
    assert len(row(text, "core-asyncpg-single").split()) == 11
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
    assert row(text, "orm-psycopg", "asyncio").split()[6] == BLANK


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
    assert "INCOMPLETE" not in printed(quick_run.run)
    assert "INCOMPLETE" in printed(quick_run.run.model_copy(update={"complete": False}))


def test_a_server_that_may_lose_commits_is_named_beside_the_figures(build_run: RunBuilder) -> None:
    made_up = build_run(server_settings={"synchronous_commit": "off"})

    assert "NOT the usual durability: synchronous_commit=off" in printed(made_up.run)


def test_the_path_of_the_results_is_never_broken(quick_run: MadeUpRun) -> None:
    assert f"Results: {FOLDER}\n" in printed(quick_run.run, width=30)


def test_names_of_third_parties_are_text_and_no_markup(build_run: RunBuilder) -> None:
    made_up = build_run(strategies={"[bold]mine[/nope]": (900.0, 950.0)})

    assert "[bold]mine[/nope]" in printed(made_up.run, width=100)


def test_a_sweep_is_one_table_and_what_all_were_offered_another(sweep_run: MadeUpRun) -> None:
    text = printed(sweep_run.run)

    assert max(map(len, text.splitlines())) <= 80
    assert "of own" not in text
    assert text.count("charge, matched profile, poisson at rising rates, uvloop") == 1
    assert text.count("charge, matched profile, poisson at 60% of slowest, uvloop") == 1
    assert "offered to each: 570 operations per second" in text
    # The sweep stands last: capacity, knee, p99 there, p50 and p99 at the lowest rate, most.
    rows = [line.split() for line in text.splitlines() if line.split()[:1] == ["psycopg"]]
    [*_, sweep] = [words for words in rows if len(words) == 8]
    assert (sweep[1], sweep[-1]) == ("1,800", "pass")
    assert sweep[2] in {"360", "720", "1,080", "1,440"}


def test_arms_of_an_open_loop_are_compared_by_what_they_wait(sweep_run: MadeUpRun) -> None:
    text = printed(sweep_run.run)

    [first, *_] = [line for line in text.splitlines() if line.split()[:1] == ["psycopg"]]
    assert "p50 latency ÷" in text
    assert first.split()[1] == "0.0%"
    assert first.split()[3] == "1.67"


def test_two_own_rates_are_no_sweep_and_keep_their_tables(sweep_run: MadeUpRun) -> None:
    arms = tuple(
        arm for arm in sweep_run.run.arms if arm.settings["rate"] in {"20% of own", "40% of own"}
    )

    text = printed(sweep_run.run.model_copy(update={"arms": arms, "comparisons": ()}))

    assert "poisson at 20% of own" in text
    assert "rising rates" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_tables_across_a_network_name_the_distance(network_run: MadeUpRun) -> None:
    text = printed(network_run.run)

    for distance in ("0 ms away", "0.5 ms away", "2 ms away"):
        assert f"charge, matched profile, {distance}, uvloop" in text


def test_a_run_that_slows_a_strategy_in_steps_says_what_that_tells_of_the_thesis() -> None:
    slowed = a_run(faults=tuple(fault_arm(busy_wait_us=us) for us in (0.0, 1_000.0)))
    text = printed(slowed)
    assert "Is a faster service hurt less by faults?" in text
    assert "as Little's law" in " ".join(text.split())
    assert "hurt less by faults?" not in printed(a_run(faults=(fault_arm(),)))
