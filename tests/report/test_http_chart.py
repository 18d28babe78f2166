"""The chart of what a request over HTTP is made of."""

from __future__ import annotations

import pytest
from matplotlib.patches import Rectangle
from tests.analysis.runs import run
from tests.analysis.services import in_process, service
from tests.report.seen import overlaps, words

from outboxbench.report.charts import http
from outboxbench.report.charts.frame import NoDataError

BOTH = run(in_process(), service(), in_process("psycopg"), service("psycopg", instances=1))


def test_each_strategy_in_process_stands_above_itself_over_http() -> None:
    figure = http.draw(BOTH)

    (axes,) = figure.axes
    bars = [each for each in axes.patches if isinstance(each, Rectangle)]
    # One part for each in process, five over HTTP.
    assert len(bars) == 2 * 1 + 2 * 5
    assert axes.get_xlim()[0] == 0
    assert "µs" in axes.get_xlabel()
    said = words(figure)
    assert said.count("direct") >= 2
    assert said.count("HTTP") >= 2
    assert overlaps(figure) == []


def test_the_parts_of_a_bar_add_up_to_what_the_client_saw() -> None:
    figure = http.draw(run(service()))
    (axes,) = figure.axes

    widths = [each.get_width() for each in axes.patches if isinstance(each, Rectangle)]
    assert sum(widths) == pytest.approx((2_400 + 2_550 + 2_600) / 3)


def test_the_finding_says_what_http_adds_or_what_a_request_is() -> None:
    assert http.finding(BOTH).startswith("with asyncpg HTTP adds 1,517 µs to the median [")
    assert "180.0 µs CPU [180, 180]" in http.finding(BOTH) or "180 µs CPU" in http.finding(BOTH)
    alone = http.finding(run(service()))
    assert alone.startswith("of 2,517 µs with asyncpg the transaction takes 40%")


def test_its_figures_are_told_as_a_table_and_in_words() -> None:
    data = http.data(BOTH)

    assert len(data.rows) == 4
    assert data.rows[0][1:3] == ("asyncpg", 1_000.0)
    assert data.rows[1][3] == pytest.approx(0.4 * data.rows[1][2])  # type: ignore[operator]
    told = http.describe(BOTH)
    assert "asyncpg direct 1,000 µs, CPU 300 µs, verdict pass" in told
    assert "asyncpg HTTP 2,517 µs (transaction 1,007" in told


def test_without_a_service_there_is_nothing_to_draw() -> None:
    with pytest.raises(NoDataError, match="no service was measured over HTTP"):
        http.draw(run(in_process()))
