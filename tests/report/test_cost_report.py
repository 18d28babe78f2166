from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from rich.console import Console
from tests.costs import COUNTS, TIME, command, costs

from outboxbench.report.charts import cost
from outboxbench.report.charts.frame import NoDataError
from outboxbench.report.charts.render import render_cost_chart
from outboxbench.report.cost_table import cost_report
from outboxbench.report.numbers import BLANK
from outboxbench.results.block import Check

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.results.cost import Costs

# As wide as figures get.
LARGE = COUNTS.model_copy(
    update={
        "frontend_messages": {"Bind": 24.8},
        "backend_messages": {"DataRow": 28.04},
        "frontend_bytes": 1129.4,
        "backend_bytes": 1789.6,
        "wal_records": 16.05,
        "wal_bytes": 2067.9,
    }
)
SLOW = TIME.model_copy(
    update={
        "wall_us": 17_443.0,
        "server_executing_us": 1367.0,
        "wal_sync_us": 11_226.0,
        "client_executing_us": 12_335.0,
        "client_waiting_us": 13_482.0,
        "server_cpu_us": 2382.0,
        "client_cpu_us": 12_355.0,
    }
)


def printed(document: Costs) -> str:
    file = io.StringIO()
    Console(file=file, width=80).print(cost_report(document))
    return file.getvalue()


def rows(text: str, strategy: str) -> list[list[str]]:
    return [line.split()[1:] for line in text.splitlines() if line.split()[:1] == [strategy]]


def test_both_tables_fit_80_columns() -> None:
    document = costs(command("core-asyncpg-single", counts=LARGE, time=SLOW))

    text = printed(document)

    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    counts, times = rows(text, "core-asyncpg-single")
    assert counts == ["2", "2", "2", "24.8", "28.0", "1,129", "1,790", "16.1", "2,068", "2.18"]
    assert times == ["17,443", "1,367", "11,226", "80", "12,335", "13,482", "2,382", "12,355", "1"]


def test_the_cheapest_comes_first() -> None:
    slow = TIME.model_copy(update={"wall_us": 2000})

    text = printed(costs(command("slow", time=slow), command("quick")))

    assert text.index("quick") < text.index("slow")


def test_what_the_server_cannot_tell_is_a_dash_with_its_reason() -> None:
    counts = COUNTS.model_copy(
        update={"wal_records": None, "wal_bytes": None, "blocks_dirtied": None}
    )

    text = printed(costs(command(counts=counts)))

    assert rows(text, "psycopg-single")[0][-3:] == [BLANK] * 3
    assert f"{BLANK} WAL: this server lacks the extension pg_walinspect" in text
    assert f"{BLANK} blocks: this server lacks the extension pg_buffercache" in text


def test_an_overlap_is_never_silent() -> None:
    time = TIME.model_copy(update={"client_waiting_us": 0, "overlap_us": 25.5})
    document = costs(command(time=time))

    assert rows(printed(document), "psycopg-single")[1][5] == "-25.5"
    words = {text.get_text() for text in cost.draw(document).texts}
    assert any("1 of 1 bars are longer" in word and "25.5 µs" in word for word in words)


def test_counts_alone_have_no_times_and_no_chart() -> None:
    document = costs(command(time=None))

    assert "time in µs" not in printed(document)
    with pytest.raises(NoDataError):
        cost.draw(document)


def test_what_was_not_as_it_should_be_is_said() -> None:
    check = Check(name="money is conserved", verdict="fail", detail="1 cent is missing")
    failed = command().model_copy(update={"verdict": "fail", "checks": (check,)})

    text = printed(costs(failed).model_copy(update={"verdict": "fail"}))

    assert "psycopg-single charge (matched): fail: money is conserved (1 cent is missing)" in text
    assert "Verdict: fail" in text


def test_names_of_third_parties_are_text_and_no_markup() -> None:
    assert "[bold]x[/nope]" in printed(costs(command("[bold]x[/nope]")))


def test_the_chart_is_written_as_png_and_svg(tmp_path: Path) -> None:
    document = costs(command(), command("asyncpg"), command(workload="place"))

    png, svg = render_cost_chart(document, tmp_path)

    with Image.open(png) as image:
        image.verify()
    first = svg.read_bytes()
    render_cost_chart(document, tmp_path)
    assert svg.read_bytes() == first


def test_the_chart_shows_the_matched_profile_where_there_is_one() -> None:
    document = costs(command(), command(profile="idiomatic"))

    assert "idiomatic" not in cost.describe(document)
    assert "idiomatic" in cost.describe(costs(command(profile="idiomatic")))


def test_the_chart_in_words_names_every_part() -> None:
    words = cost.describe(costs(command()))

    assert words == (
        "charge, matched profile: psycopg-single 1,000 µs (client executing 400, wire 80.0, "
        "server executing 300, server waiting for WAL sync 100, client waiting 120), verdict pass."
    )
