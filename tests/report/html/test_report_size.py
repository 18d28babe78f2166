"""Reports of the largest suites: how large they are, and what it takes to make them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.report.html.largest import many_arms, many_charts, many_faults

from outboxbench.analysis.two_runs import obstacles
from outboxbench.report.html.comparison_page import render_comparison
from outboxbench.report.html.inputs import ComparedRun
from outboxbench.report.html.page import render_html

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.results.model import Run

LARGEST_BYTES = 5_000_000
MOST_MIB = 500
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("many", [many_faults, many_arms])
def test_hundreds_of_arms_with_endless_figures_stay_below_5_mb(many: Callable[[], Run]) -> None:
    charts = list(many_charts(2_000, 2_000, of_each=60))
    page = render_html(many(), charts, {}, ())
    assert 1_000_000 < len(page.encode()) < LARGEST_BYTES


def test_two_runs_of_hundreds_of_arms_stay_below_5_mb_together() -> None:
    run, charts = many_arms(), tuple(many_charts(2_000, 2_000, of_each=20))
    base, head = (ComparedRun(name, run, charts, {}) for name in ("base", "head"))
    page = render_comparison(base, head, run.comparisons, obstacles(run, run), is_calibrated=False)
    assert 1_000_000 < len(page.encode()) < LARGEST_BYTES


@pytest.mark.slow
def test_the_largest_report_with_tall_charts_stays_below_5_mb_and_500_mb_of_memory() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "tests.report.html.largest"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    took = json.loads(made.stdout)
    assert took["size_bytes"] < LARGEST_BYTES
    assert took["memory_mib"] < MOST_MIB
