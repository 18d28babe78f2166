"""What stands in a report, and in which order."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.analysis.fault_arms import fault_arm, injection
from tests.report import faults
from tests.report.html.made_up import answer, chart, faults_run, png, relays_run, warning
from tests.report.html.page_reader import ReadPage

from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.html.inputs import ReportChart
from outboxbench.report.html.page import render_html
from outboxbench.results.faults import DRAWN

if TYPE_CHECKING:
    from tests.report.conftest import MadeUpRun, RunBuilder

    from outboxbench.results.model import Run


def read(run: Run, **parts: object) -> ReadPage:
    given = {"charts": (), "left_out": {}, "answers": (), **parts}
    return ReadPage(render_html(run, **given))  # type: ignore[arg-type]


def test_question_answer_verdict_and_warnings_come_first_then_charts_tables_and_surroundings(
    quick_run: MadeUpRun,
) -> None:
    text = read(quick_run.run, charts=[chart()], answers=[answer()]).text
    told = (
        "Which of them does most?",
        "asyncpg does most: 3,020 commands per second.",
        "12 arms over 5 rounds.",
        "Every check of 13 arms held.",
        "5 rounds find only large differences.",
        "Repeat with --rounds 12",
        "asyncpg on uvloop did most.",
        "A longer bar is better.",
        "All that throughput shows, in words.",
        "Throughput and latency",
        "Comparisons",
        "To repeat this run",
        "outboxbench run quick --seed 7",
        "A Processor",
    )
    assert [text.index(each) for each in told] == sorted(text.index(each) for each in told)


def test_every_arm_has_a_row_with_its_verdict_beside_its_name(build_run: RunBuilder) -> None:
    page = read(build_run(failing=["psycopg-uvloop"]).run)
    assert page.row("psycopg✗", "✗ FAIL", "uvloop")
    assert page.row("asyncpg", "✓ pass", "asyncio")
    assert page.row("pgbench (ceiling)", "✓ pass", "–")


def test_a_percentile_that_its_samples_do_not_support_is_blank(build_run: RunBuilder) -> None:
    run = build_run(strategies={"asyncpg": (50.0, 60.0)}, rounds=2).run
    page = read(run)
    heading = next(row for row in page.rows if row[0] == "strategy")
    place = [column.split()[0] for column in heading].index("p99.9")
    assert page.row("asyncpg", "✓ pass", "uvloop")[place] == "–"


def test_profiles_never_share_a_table(build_run: RunBuilder) -> None:
    run = build_run(profiles=("matched", "idiomatic"), rounds=2).run
    page = read(run)
    of_tables: list[set[str]] = []
    for tag, attributes in page.elements:
        if tag == "table":
            of_tables.append(set())
        elif tag == "tr" and (profile := attributes.get("data-profile")):
            of_tables[-1].add(profile)
    assert max(map(len, of_tables)) == 1
    assert set.union(*of_tables) == {"matched", "idiomatic"}


def test_sweeps_have_a_row_for_each_strategy_besides_those_of_their_rates(
    sweep_run: MadeUpRun,
) -> None:
    text = read(sweep_run.run).text
    assert "at rising rates" in text
    assert "knee per s" in text


def test_relays_have_a_table_for_each_load() -> None:
    page = read(relays_run())
    assert "median messages/s" in page.text
    assert "chain p99 ms" in page.text
    assert sum(row[0].startswith("asyncpg lease") for row in page.rows) > 1


def test_faults_have_a_matrix_of_verdicts_and_a_table_for_each() -> None:
    page = read(faults_run(4, 2))
    head = ["fault", "asyncpg", "core-asyncpg", "core-psycopg", "psycopg"]
    assert head in page.rows
    assert page.row("a-fault-0")[1:] == ["✓ pass", "✗ FAIL", "? unknown", "✓ pass"]
    assert [row[0] for row in page.rows].count("psycopg") == 2


def test_faults_that_came_in_turns_have_a_row_each() -> None:
    met = tuple(
        injection(number, fault=fault, first_ok_after_effect_ms=100.0 * number)
        for number, fault in enumerate(("reset", "stall", "reset"), 1)
    )
    page = read(faults.run(fault_arm(fault=DRAWN, injections=met)))
    heading = next(row for row in page.rows if row[0] == "fault" and "injections" in row)
    assert heading[:4] == ["fault", "verdict", "injections", "first ok median, ms"]
    assert page.row("reset")[:4] == ["reset", "✓ pass", "2", "200"]
    assert page.row("stall")[:4] == ["stall", "✓ pass", "1", "200"]
    assert "memory, and how it rose in the longest life of a process: was not watched" in page.text


def test_an_arm_without_an_injection_is_a_row_as_well() -> None:
    arm = fault_arm()
    never = arm.model_copy(
        update={"availability": arm.availability.model_copy(update={"injections": ()})}
    )
    assert read(faults.run(never)).row("asyncpg")[4] == "0"


def test_an_injection_that_never_ended_well_is_told_as_never_and_sorted_above_all() -> None:
    page = render_html(faults_run(2, 1), (), {}, ())
    assert '<td data-v="1e300">never</td>' in page


def test_an_arm_that_failed_as_it_is_there_to_is_marked_so_and_counts_for_no_failure() -> None:
    arm = fault_arm(verdict="fail", expected_findings=("nothing is lost",))
    page = read(faults.run(arm, verdict="pass"))
    assert "Every check of 1 arm held. 1 failed as they are there to." in page.text
    assert page.row("asyncpg")[1] == "✗ as expected"


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("fail", "do not use their figures"), ("unknown", "it cannot be told")],
)
def test_a_run_that_did_not_pass_says_what_that_means_and_why(verdict: str, words: str) -> None:
    arm = fault_arm(verdict=verdict)  # type: ignore[arg-type]
    text = read(faults.run(arm)).text
    assert words in text
    assert f"{verdict}: nothing is lost: a detail" in text


def test_doubts_of_the_whole_run_stand_beside_its_verdict(build_run: RunBuilder) -> None:
    run = build_run(server_settings={"fsync": "off"}, rounds=2).run
    text = read(run.model_copy(update={"complete": False})).text
    assert "INCOMPLETE: this run was interrupted" in text
    assert "Not the usual durability: fsync=off." in text


def test_a_run_without_answers_says_so_and_one_without_warnings_too(quick_run: MadeUpRun) -> None:
    text = read(quick_run.run.model_copy(update={"warnings": ()})).text
    assert "answer no question by themselves" in text
    assert "No warnings." in text


def test_a_run_that_measured_nothing_is_a_report_as_well(quick_run: MadeUpRun) -> None:
    nothing = quick_run.run.model_copy(update={"arms": (), "comparisons": ()})
    assert "Nothing was measured" in read(nothing).text


def test_charts_that_were_left_out_are_named_with_the_reason(quick_run: MadeUpRun) -> None:
    text = read(quick_run.run, left_out={"network": "nothing was measured far away"}).text
    assert "network nothing was measured far away" in text


def test_a_chart_has_its_figures_as_a_table_with_headings(quick_run: MadeUpRun) -> None:
    page = read(quick_run.run, charts=[chart()])
    assert ["strategy", "loop", "ok/s", "p99 ms"] in page.rows
    assert page.row("asyncpg", "uvloop", "3,020")[3] == "1.25"
    assert page.row("psycopg", "asyncio", "1,650")[3] == "–"


def test_a_chart_with_endless_figures_says_how_many_are_left_out(quick_run: MadeUpRun) -> None:
    data = DataTable(("n", "square"), tuple((n, n * n) for n in range(10_000)))
    page = read(quick_run.run, charts=[chart(data=data)])
    assert page.row("1,999", "3,996,001")
    assert "8,000 more rows are left out" in page.text


def test_small_svgs_stay_so_and_large_ones_become_pixels_that_show_all(
    quick_run: MadeUpRun,
) -> None:
    large = chart("large", svg=f"<svg>{' ' * 200_000}</svg>", png=png(300, 9_000))
    small = chart("small", svg="<svg/>", png=png(10, 10))
    page = read(quick_run.run, charts=[large, small])
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    kinds = [str(image["src"]).split(";")[0] for image in images]
    assert kinds == ["data:image/png"] * 3 + ["data:image/svg+xml"]
    assert sum(int(str(image["height"])) for image in images[:3]) == 9_000
    assert [bool(image["alt"]) for image in images] == [True, False, False, True]


def test_drawings_in_pixels_keep_their_colours(quick_run: MadeUpRun) -> None:
    drawn = png(400, 300, marks=60)
    page = read(quick_run.run, charts=[chart("pixels", png=drawn)])
    (source,) = (str(attributes["src"]) for tag, attributes in page.elements if tag == "img")
    shown = base64.b64decode(source.partition(",")[2])
    before, after = (
        np.asarray(Image.open(io.BytesIO(each)).convert("RGB"), dtype=int)
        for each in (drawn, shown)
    )
    assert np.abs(before - after).max() < 24


def test_drawings_that_are_too_large_for_the_file_are_pointed_to(quick_run: MadeUpRun) -> None:
    text = f"<svg>{'x' * 3_000_000}</svg>"
    page = read(quick_run.run, charts=[chart("huge", svg=text), chart("small")])
    assert page.count("img") == 1
    assert "it is charts/huge.png in the run folder" in page.text


def test_a_chart_without_a_drawing_is_refused() -> None:
    with pytest.raises(ValueError, match="give its svg or its png"):
        ReportChart("a", "b", "c", "d", "e", DataTable((), ()))


def test_the_same_run_makes_the_same_file(quick_run: MadeUpRun) -> None:
    first, second = (render_html(quick_run.run, [chart()], {}, [answer()]) for _ in range(2))
    assert first == second


def test_every_reference_within_the_file_leads_somewhere(quick_run: MadeUpRun) -> None:
    charts = [chart(f"chart-{number}") for number in range(5)]
    run = quick_run.run.model_copy(update={"warnings": tuple(map(warning, range(3)))})
    page = render_html(run, charts, {"a": "b"}, [answer()])
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    referred = re.findall(r' (?:href="#|aria-labelledby="|aria-details=")([^"]+)"', page)
    assert referred
    assert set(referred) <= set(ids)
