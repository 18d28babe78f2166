"""Reports as they are read: on a screen and a phone, by keyboard, by day and by night."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from tests.analysis import runs
from tests.analysis.fault_arms import fault_arm
from tests.report import faults
from tests.report.html.made_up import (
    SVG,
    answer,
    chart,
    compared,
    compared_html,
    faults_run,
    png,
    relays_run,
    warning,
)

from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.html.page import render_html

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from tests.report.conftest import MadeUpRun
    from tests.report.html.conftest import Opener

    from outboxbench.results.model import Arm, Run

PHONE_PX = 390
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")

ROLES: tuple[Literal["region", "navigation", "button", "link", "img", "combobox", "figure"], ...]
ROLES = ("region", "navigation", "button", "link", "img", "combobox", "figure")

EVIL = (
    "<script>window.harmed = 1</script>",
    '"><img src=x onerror="window.harmed = 1">',
    "'><svg onload='window.harmed = 1'>",
    "</style></script></title><iframe src='http://127.0.0.1:9/'>",
    "{{ 7 * 6 }}{% if %}",
)


def html_of(run: Run) -> str:
    charts = [chart(), chart("in-pixels", png=png(1650, 900, marks=50))]
    charts += [chart(f"chart-{number}") for number in range(2)]
    answers = [answer(), answer(question="And the slowest?")]
    warned = run.model_copy(update={"warnings": tuple(map(warning, range(4)))})
    return render_html(warned, charts, {"network": "nothing was far away"}, answers)


def html_of_two(base: Run, head: Run) -> str:
    """A page on two runs, of which the second has a chart less."""
    charts = [chart(), chart("in-pixels", png=png(1650, 900, marks=50))]
    charts += [chart(f"chart-{number}") for number in range(2)]
    left_out = {"network": "nothing was far away"}
    warned = base.model_copy(update={"warnings": tuple(map(warning, range(4)))})
    # Named as folders are: a word that no line is broken in.
    names = (f"20260301T120000Z-{'throughput-' * 4}{number}" for number in (1, 2))
    return compared_html(
        compared(next(names), warned, charts, left_out),
        compared(next(names), head, charts[:-1], left_out),
    )


def shown(page: Page, table: str, column: int) -> list[str]:
    """The cells of a column of the first table whose caption begins so."""
    rows = page.locator("table", has=page.locator("caption", has_text=table)).first
    cells = rows.locator(f"tbody tr > :nth-child({column})")
    return [cell.strip() for cell in cells.all_inner_texts() if cell]


def chooser(page: Page, trait: str) -> Locator:
    return page.get_by_role("combobox", name=trait)


def visible_rows(page: Page) -> int:
    return page.locator("table.sortable tbody tr:visible").count()


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.parentElement.tagName"))


@pytest.mark.parametrize("kind", ["arms", "faults", "relays", "sweep", "two", "two of faults"])
@pytest.mark.parametrize("width", [PHONE_PX, 1280])
def test_nothing_is_wider_than_the_screen_and_nothing_is_asked_of_a_network(
    kind: str, width: int, open_report: Opener, quick_run: MadeUpRun, sweep_run: MadeUpRun
) -> None:
    html = {
        "arms": lambda: html_of(quick_run.run),
        "faults": lambda: html_of(faults_run(12, 2)),
        "relays": lambda: html_of(relays_run()),
        "sweep": lambda: html_of(sweep_run.run),
        "two": lambda: html_of_two(quick_run.run, quick_run.run),
        "two of faults": lambda: html_of_two(faults_run(4, 2), faults_run(4, 1)),
    }[kind]()
    report = open_report(html, width=width)
    report.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    report.page.wait_for_load_state("networkidle")
    assert report.page.evaluate("document.documentElement.scrollWidth") <= width
    assert report.page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth)")
    assert report.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["arms", "faults", "two"])
def test_all_text_is_legible_by_day_and_by_night(
    kind: str,
    scheme: Literal["light", "dark"],
    open_report: Opener,
    quick_run: MadeUpRun,
    slower_run: MadeUpRun,
) -> None:
    html = {
        "arms": lambda: html_of(quick_run.run),
        "faults": lambda: html_of(faults_run(4, 2)),
        "two": lambda: html_of_two(quick_run.run, slower_run.run),
    }[kind]()
    page = open_report(html, scheme=scheme).page
    found = page.evaluate(CONTRAST)
    assert found["looked"] > 300
    assert found["low"] == []
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    background = str(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    red = int(background.removeprefix("rgb(").split(",")[0])
    assert is_dark is (red < 128)


@pytest.mark.parametrize("width", [PHONE_PX, 1280])
def test_the_first_screen_has_question_answer_verdict_and_a_way_to_the_warnings(
    width: int, open_report: Opener, quick_run: MadeUpRun
) -> None:
    page = open_report(html_of(quick_run.run), width=width).page
    height = page.evaluate("innerHeight")
    for part in (".eyebrow .badge", ".eyebrow a", "h1", ".lead", ".answer .verdict"):
        box = page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height, part
    warnings = page.locator("details.warnings li")
    assert not warnings.first.is_visible()
    page.get_by_role("link", name="4 warnings").click()
    assert warnings.first.is_visible()


def test_warnings_are_unfolded_on_paper(open_report: Opener, quick_run: MadeUpRun) -> None:
    page = open_report(html_of(quick_run.run)).page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.warnings li").first.is_visible()


def test_text_that_is_too_faint_would_be_found(open_report: Opener, quick_run: MadeUpRun) -> None:
    page = open_report(html_of(quick_run.run)).page
    page.evaluate("document.querySelector('.lead').style.color = '#999'")
    assert len(page.evaluate(CONTRAST)["low"]) == 1


def test_a_column_is_sorted_by_keyboard_and_says_so(
    open_report: Opener, quick_run: MadeUpRun
) -> None:
    page = open_report(html_of(quick_run.run)).page
    before = shown(page, "charge", 5)
    page.locator("form.filters select").last.focus()
    for _ in range(4):
        page.keyboard.press("Tab")
        if focused(page) == "TH":
            break
    for _ in range(4):
        page.keyboard.press("Tab")
    heading = page.locator("th:has(button:focus)")
    assert heading.inner_text().split() == ["median", "ok/s"]
    orders = []
    for _ in range(3):
        page.keyboard.press("Enter")
        orders.append((heading.get_attribute("aria-sort"), shown(page, "charge", 5)))

    def figures(cells: list[str]) -> list[float]:
        return [float(cell.replace(",", "")) for cell in cells]

    assert [order for order, _ in orders] == ["ascending", "descending", "none"]
    assert figures(orders[0][1]) == sorted(figures(before))
    assert figures(orders[1][1]) == sorted(figures(before), reverse=True)
    assert orders[2][1] == before
    page.keyboard.press("Space")
    assert "Sorted by median ok/s, ascending." in page.locator("[role=status]").inner_text()


def test_blanks_stay_last_in_either_order_and_the_worst_verdict_comes_first(
    open_report: Opener,
) -> None:
    page = open_report(html_of(faults_run(4, 1))).page
    table = page.locator("table", has=page.locator("caption", has_text="a-fault-0"))
    worst = table.locator("th", has_text="first ok median").locator("button")
    for _ in range(2):
        worst.click()
        blanks = [cell == "–" for cell in shown(page, "a-fault-0", 6)]
        assert blanks == sorted(blanks)
    table.locator("th", has_text="verdict").locator("button").click()
    verdicts = shown(page, "a-fault-0", 2)
    assert verdicts[0].endswith("FAIL")
    assert verdicts[-1].endswith("pass")


def test_rows_are_chosen_by_keyboard_and_their_number_is_announced(
    open_report: Opener, quick_run: MadeUpRun
) -> None:
    page = open_report(html_of(quick_run.run)).page
    status = page.locator("[role=status][aria-live=polite]")
    everything = visible_rows(page)
    assert status.inner_text() == f"All {everything} rows shown."
    chooser(page, "strategy").focus()
    page.keyboard.type("orm-psy")
    chosen = visible_rows(page)
    assert 0 < chosen < everything
    assert status.inner_text() == f"{chosen} of {everything} rows shown."
    # The ceiling stays: it is what all are held against.
    assert "pgbench (ceiling)" in page.locator("tbody tr:visible > th").all_inner_texts()[0]
    chooser(page, "loop").focus()
    page.keyboard.type("uvloop")
    assert 0 < visible_rows(page) < chosen


def test_choosing_a_strategy_leaves_its_column_alone_in_the_matrix(open_report: Opener) -> None:
    page = open_report(html_of(faults_run(4, 2))).page
    chooser(page, "strategy").select_option("psycopg")
    matrix = page.locator("table", has=page.locator("caption", has_text="strategy by fault"))
    assert [each.strip("↕ ") for each in matrix.locator("th:visible").all_inner_texts()][:2] == [
        "fault",
        "psycopg",
    ]
    assert matrix.locator("tbody td:visible").count() == 2


def test_without_javascript_all_is_there_but_what_would_not_work(
    open_report: Opener, quick_run: MadeUpRun
) -> None:
    page = open_report(html_of(quick_run.run), javascript=False).page
    assert page.locator("table.sortable tbody tr").first.is_visible()
    assert page.locator("form.filters").is_hidden()
    assert page.locator("th button").count() == 0


@pytest.mark.parametrize("kind", ["faults", "two"])
def test_a_screen_reader_finds_landmarks_headings_in_order_and_names_of_all_it_may_enter(
    kind: str, open_report: Opener, quick_run: MadeUpRun, slower_run: MadeUpRun
) -> None:
    page = open_report(
        html_of(faults_run(4, 2))
        if kind == "faults"
        else html_of_two(quick_run.run, slower_run.run)
    ).page
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    for role in ROLES:
        everyone = page.get_by_role(role).count()
        assert page.get_by_role(role, name=re.compile(r"\w")).count() == everyone > 0, role


def test_names_of_others_are_shown_as_they_are_and_do_nothing(open_report: Opener) -> None:
    arms = [
        fault_arm(name, fault, verdict="fail").model_copy(update={"name": name, "workload": name})
        for name in EVIL
        for fault in EVIL[:2]
    ]
    evil = EVIL[1]
    svg = SVG.format(text="<script>parent.harmed = 1; top.harmed = 1</script>").replace(
        "<rect", '<image href="http://127.0.0.1:9/x.png"/><rect onload="top.harmed = 1"'
    )
    charts = [
        chart(name, svg=svg, title=name, finding=name, description=name, reading=name, data=table)
        for name in EVIL
        for table in [DataTable((name, "figure"), ((name, 1.0), (name, None)))]
    ]
    answers = [answer(question=name, sentence=name, grounds=name) for name in EVIL]
    run = faults.run(
        *arms,
        suite=EVIL[0],
        command=evil,
        reference=evil,
        verdict="fail",
        warnings=(warning().model_copy(update={"message": evil, "advice": EVIL[3]}),),
    )
    report = open_report(render_html(run, charts, {evil: EVIL[3]}, answers))
    page = report.page
    page.wait_for_load_state("networkidle")
    chooser(page, "strategy").select_option(EVIL[0])
    page.locator("th button").first.click()
    assert_harmless(page, images=len(charts))
    for name in EVIL:
        assert page.get_by_role("heading", name=name, exact=True).count() >= 1
    assert page.evaluate("document.querySelector('pre').innerText") == evil
    assert report.problems == []


def test_names_in_two_runs_are_shown_as_they_are_and_do_nothing(open_report: Opener) -> None:
    def arms(speed: float) -> list[Arm]:
        blocks = [runs.block(number, 1000 * speed) for number in range(6)]
        return [runs.arm(name, blocks, strategy=name, workload=name) for name in EVIL]

    evil = EVIL[1]
    charts = [chart(name, title=name, finding=name, reading=name) for name in EVIL]
    base, head = (
        runs.run(
            *arms(speed),
            suite=EVIL[0],
            command=evil,
            verdict="unknown",
            environment=runs.environment(kernel=kernel, packages={evil: kernel}),
            warnings=(warning().model_copy(update={"message": evil, "advice": EVIL[3]}),),
        )
        for speed, kernel in ((1.0, EVIL[2]), (0.5, EVIL[3]))
    )
    html = compared_html(
        compared(EVIL[3], base, charts, {evil: EVIL[2]}),
        compared(EVIL[4], head, charts[1:], {EVIL[0]: EVIL[2]}),
    )
    report = open_report(html)
    page = report.page
    page.wait_for_load_state("networkidle")
    chooser(page, "strategy").select_option(EVIL[0])
    page.locator("th button").first.click()
    assert_harmless(page, images=2 * len(charts) - 1)
    for name in EVIL:
        assert page.get_by_role("heading", name=name, exact=True).count() >= 1
    assert page.locator("pre").all_inner_texts() == [evil, evil]
    assert report.problems == []


def assert_harmless(page: Page, *, images: int) -> None:
    assert page.evaluate("window.harmed") is None
    assert page.evaluate("document.scripts.length") == 1
    assert page.evaluate("document.images.length") == images
    assert (
        page.evaluate("document.querySelectorAll('iframe, svg, [onerror], [onload]').length") == 0
    )


@pytest.mark.parametrize(("width", "is_beside"), [(PHONE_PX, False), (1280, True)])
def test_charts_of_two_runs_stand_beside_each_other_where_there_is_room(
    width: int, is_beside: bool, open_report: Opener, quick_run: MadeUpRun
) -> None:
    page = open_report(html_of_two(quick_run.run, quick_run.run), width=width).page
    drawn = [page.locator(f"#chart-1-{role}").bounding_box() for role in ("base", "head")]
    base, head = (box for box in drawn if box)
    assert (base["y"] == head["y"]) is is_beside
    assert (base["x"] == head["x"]) is not is_beside
    # The title that both have in common is read out with that of each.
    name = re.compile(r"Title of throughput head .+")
    assert page.get_by_role("figure", name=name).count() == 1


def test_a_script_or_a_style_that_slipped_in_would_not_be_run(
    open_report: Opener, quick_run: MadeUpRun
) -> None:
    html = html_of(quick_run.run).replace(
        "</main>",
        "<script>window.harmed = 1</script><img src='http://127.0.0.1:9/x.png'></main>",
    )
    report = open_report(html)
    report.page.wait_for_load_state("networkidle")
    assert report.page.evaluate("window.harmed") is None
    assert any("Content Security Policy" in problem for problem in report.problems)


@pytest.mark.parametrize("kind", ["one", "two"])
def test_on_paper_there_is_black_on_white_and_nothing_to_press(
    kind: str, open_report: Opener, quick_run: MadeUpRun, slower_run: MadeUpRun
) -> None:
    one, two = quick_run.run, slower_run.run
    page = open_report(html_of(one) if kind == "one" else html_of_two(one, two), scheme="dark").page
    page.emulate_media(media="print")
    assert page.locator("form.filters").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(CONTRAST)["low"] == []
