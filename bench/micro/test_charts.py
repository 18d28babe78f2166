"""What it costs to draw a chart of a committed run, as SVG."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

import pytest

from outboxbench.report.charts.catalogue import CATALOGUE
from outboxbench.report.charts.recorded import Recorded
from outboxbench.report.charts.render import svg_text
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder

RUN = Path(__file__).parents[2] / "results" / "reference" / "quick"
ROUNDS = 3


@pytest.mark.benchmark(group="charts", timer=process_time)
@pytest.mark.in_baseline
@pytest.mark.parametrize("name", ["throughput", "ratios", "percentile-spectrum"])
def test_draw_chart(name: str, benchmark: Any) -> None:
    run, folder = read_run(RUN), RunFolder.at(RUN)

    def draw() -> str:
        # Read anew, as `report` does for the first chart of a run.
        ((_, drawing),) = CATALOGUE[name].figures(name, Recorded(run, folder))
        return svg_text(drawing())

    assert benchmark.pedantic(draw, rounds=ROUNDS, warmup_rounds=1).startswith("<?xml")
