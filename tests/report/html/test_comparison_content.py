"""What stands in the page on two runs, and in which order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.analysis.runs import environment
from tests.report.html.made_up import (
    chart,
    compared,
    compared_html,
    faults_run,
    noise,
    warning,
)
from tests.report.html.page_reader import ReadPage

from outboxbench.report.html import images

if TYPE_CHECKING:
    import pytest
    from tests.report.conftest import MadeUpRun, RunBuilder

    from outboxbench.results.model import Run


def read(base: Run, head: Run) -> ReadPage:
    return ReadPage(compared_html(compared("the-base", base), compared("the-head", head)))


def alerts(page: str) -> list[str]:
    return re.findall(r'<p class="caution" role="alert">([^<]+)</p>', page)


def test_doubts_answer_runs_and_comparisons_come_first_then_charts_and_both_environments(
    quick_run: MadeUpRun, slower_run: MadeUpRun
) -> None:
    head = slower_run.run.model_copy(update={"window_s": 2.0})
    text = ReadPage(
        compared_html(
            compared("the-base", quick_run.run, [chart(finding="As it was.")]),
            compared("the-head", head, [chart(finding="As it is.")]),
        )
    ).text
    told = (
        "Two runs of quick",
        "Beware: they differ in window_s: 1.0 → 2.0.",
        "Has anything become worse?",
        "Yes: psycopg-",
        "differences within 5.0% count as none, without a calibration",
        "Software: the same in both.",
        "base the-base",
        "Suite quick, 1 March 2026, 12:00 UTC, 5 rounds of 1 s",
        "Every check of 13 arms held.",
        "1 warning about the base",
        "5 rounds find only large differences.",
        "head the-head",
        "head ÷ base",
        "Charts of both",
        "A longer bar is better.",
        "As it was.",
        "As it is.",
        "To repeat them",
        "outboxbench run quick --seed 7",
        "A Processor",
    )
    places = [text.index(each) for each in told]
    assert places == sorted(places)


def test_what_became_slower_is_named_with_its_ratio_and_marked_in_its_row(
    quick_run: MadeUpRun, slower_run: MadeUpRun
) -> None:
    page = read(quick_run.run, slower_run.run)
    assert re.search(r"psycopg-uvloop has 0\.6\d \[0\.\d\d, 0\.\d\d\] times the ok/s", page.text)
    row = next(row for row in page.rows if row[0] == "psycopg-uvloop")
    assert row[1:3] == ["✓ pass", "✗ regression"]
    assert row[3].startswith("0.6")
    assert next(row for row in page.rows if row[0] == "asyncpg-uvloop")[2] == "= same"


def test_what_became_faster_is_no_reason_to_worry(build_run: RunBuilder) -> None:
    # So many rounds that what is the same is told to be so.
    slow, fast = (
        build_run(strategies={"asyncpg": (2610.0, 3020.0), "psycopg": rates}, rounds=16).run
        for rates in ((1000.0, 1100.0), (1650.0, 1790.0))
    )
    page = read(slow, fast)
    assert re.search(
        r"No\. Of \d+ comparisons that decide: \d+ the same and \d better\.", page.text
    )
    assert "regression" not in page.text


def test_what_cannot_be_decided_is_not_said_to_be_no_worse(build_run: RunBuilder) -> None:
    base = build_run(strategies={"asyncpg": (900.0, 1000.0)}, rounds=2).run
    head = build_run(strategies={"asyncpg": (880.0, 970.0)}, rounds=2).run
    assert "Not that it could be told." in read(base, head).text


def test_advisory_metrics_have_tables_of_their_own_after_those_that_decide(
    quick_run: MadeUpRun, slower_run: MadeUpRun
) -> None:
    page = compared_html(compared("a", quick_run.run), compared("b", slower_run.run))
    titles = re.findall(r'<span id="table-1-\d-title">([^<]+)</span>', page)
    assert titles[:2] == ["ok/s, matched profile", "p50 latency, matched profile"]
    assert set(titles[2:]) <= {"client CPU/op, matched profile", "p99 latency, matched profile"}
    assert page.count("advisory: it decides nothing") == len(titles) - 2 > 0


def test_profiles_never_share_a_table(build_run: RunBuilder) -> None:
    run = build_run(profiles=("matched", "idiomatic"), rounds=5).run
    of_tables: list[set[str]] = []
    for tag, attributes in read(run, run).elements:
        if tag == "table":
            of_tables.append(set())
        elif tag == "tr" and (profile := attributes.get("data-profile")):
            of_tables[-1].add(profile)
    assert max(map(len, of_tables)) == 1
    assert set.union(*of_tables) == {"matched", "idiomatic"}


def test_runs_that_cannot_be_compared_stand_beside_each_other_and_say_why(
    quick_run: MadeUpRun,
) -> None:
    base = compared("the-base", quick_run.run, [chart()])
    page = compared_html(base, compared("the-head", faults_run(2, 1), [chart("other")]))
    assert alerts(page)[0] == "Beware: they ran different suites, quick and faults."
    read_page = ReadPage(page)
    assert "Can these two runs be compared? No. Here they only stand" in read_page.text
    assert "Title of throughput" in read_page.text
    assert "Title of other" in read_page.text
    assert "÷" not in read_page.text


def test_everything_that_nobody_may_overlook_is_loud_and_once(build_run: RunBuilder) -> None:
    interrupted = build_run(rounds=5).run.model_copy(update={"complete": False})
    fast = build_run(rounds=5, server_settings={"fsync": "off"}).run
    page = compared_html(compared("a", interrupted), compared("b", fast))
    assert alerts(page) == [
        "Beware: the base is not complete, it was interrupted.",
        "Beware: they differ in fsync: default → off.",
        "The head: Not the usual durability: fsync=off.",
    ]


def test_a_chart_that_one_run_lacks_says_why_beside_the_other(quick_run: MadeUpRun) -> None:
    run = quick_run.run
    page = ReadPage(
        compared_html(
            compared("a", run, [chart("ratios")], {"cost": "not priced", "network": "near"}),
            compared("b", run, [chart("cost")], {"network": "nearer"}),
        )
    )
    assert page.count("figure") == 2
    assert "Left out: not priced" in page.text
    assert "Left out: it was not drawn" in page.text
    assert "not here, and why (1)" in page.text
    assert "network base: near; head: nearer" in page.text


def test_both_runs_share_the_room_for_drawings(
    quick_run: MadeUpRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = [chart("in-pixels", png=noise(300, 300))]
    both = [compared(name, quick_run.run, drawn) for name in "ab"]

    def widths() -> list[str | None]:
        elements = ReadPage(compared_html(*both)).elements
        return [attributes.get("width") for tag, attributes in elements if tag == "img"]

    assert widths() == ["300", "300"]
    ((strip,),) = images.images(drawn)
    monkeypatch.setattr(images, "ALL_IMAGES_BYTES", len(strip.source))
    assert widths() == ["200", "200"]


def test_rows_of_the_environments_that_differ_are_marked_in_words(quick_run: MadeUpRun) -> None:
    run = quick_run.run
    changes = {
        "environment": environment(packages={"asyncpg": "0.33.0", "uvloop": "1.0"}),
        "started_at": run.started_at.replace(hour=13),
    }
    page = read(run, run.model_copy(update=changes))
    assert ["asyncpg ≠ differs", "0.31.0", "0.33.0"] in page.rows
    assert ["uvloop ≠ differs", "–", "1.0"] in page.rows
    assert ["processor", "A Processor", "A Processor"] in page.rows
    assert ["started", "2026-03-01 12:00:00 UTC", "2026-03-01 13:00:00 UTC"] in page.rows
    assert "Packages 2 differ" in page.text
    assert "Server nothing differs" in page.text
    assert "Software: asyncpg 0.31.0 → 0.33.0, uvloop none → 1.0." in page.text


def test_the_same_runs_make_the_same_file_and_every_reference_leads_somewhere(
    quick_run: MadeUpRun, slower_run: MadeUpRun
) -> None:
    charts = [chart(f"chart-{number}") for number in range(5)]
    warned = quick_run.run.model_copy(update={"warnings": tuple(map(warning, range(3)))})
    sides = (
        compared("a", warned, charts, {"a": "b"}),
        compared("b", slower_run.run, charts[:3]),
    )
    first, second = (compared_html(*sides) for _ in range(2))
    assert first == second
    ids = re.findall(r' id="([^"]+)"', first)
    assert len(ids) == len(set(ids))
    referred = re.findall(r' (?:href="#|aria-labelledby="|aria-details=")([^"]+)"', first)
    assert {each for names in referred for each in names.split()} <= set(ids)
