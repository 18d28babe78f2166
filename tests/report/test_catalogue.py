"""What every chart says of itself and of a run, whatever it draws."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from outboxbench.report.charts.catalogue import CATALOGUE
from outboxbench.report.charts.render import render_charts
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.report.conftest import MadeUpRun

    from outboxbench.report.charts.render import Format, RenderedChart

SVG: tuple[Format, ...] = ("svg",)


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_a_chart_says_what_it_needs_and_how_it_is_read(name: str) -> None:
    said = CATALOGUE[name].words

    assert said.TITLE
    assert said.SHOWS
    assert said.NEEDS
    assert not said.NEEDS.endswith(".")
    assert said.READING.endswith(".")


def check(chart: RenderedChart) -> None:
    assert chart.finding.endswith(".")
    assert "\n" not in chart.finding
    assert len(chart.finding) < 1200
    assert chart.data.rows
    assert len(set(chart.data.columns)) == len(chart.data.columns)
    assert {len(row) for row in chart.data.rows} == {len(chart.data.columns)}


@pytest.mark.parametrize("which", ["quick_run", "sweep_run", "network_run"])
def test_a_chart_that_is_drawn_has_a_finding_and_its_figures(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made_up: MadeUpRun = request.getfixturevalue(which)
    folder = RunFolder.create(tmp_path, "made-up", datetime(2026, 3, 1, tzinfo=UTC))

    rendered = render_charts(made_up.record(folder), folder, formats=())

    assert len(rendered.charts) >= 5
    for chart in rendered.charts:
        check(chart)
    assert {chart.name for chart in rendered.charts}.isdisjoint(rendered.left_out)
    assert rendered.files == ()


def test_charts_are_drawn_as_they_are_asked_for(quick_run: MadeUpRun, tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "quick", datetime(2026, 3, 1, tzinfo=UTC))

    rendered = render_charts(
        quick_run.record(folder), folder, only={"throughput", "network"}, formats=SVG
    )

    assert [path.name for path in rendered.files] == ["throughput.svg"]
    assert list(rendered.left_out) == ["network"]


def test_no_further_chart_is_begun_when_patience_is_at_its_end(
    quick_run: MadeUpRun, tmp_path: Path
) -> None:
    folder = RunFolder.create(tmp_path, "quick", datetime(2026, 3, 1, tzinfo=UTC))

    rendered = render_charts(quick_run.record(folder), folder, patience_s=0.0)

    assert len(rendered.charts) <= 1
    assert "`outboxbench report` draws all" in rendered.left_out["ratios"]
