"""A fault over time in a chart: every operation, goodput and backlog, arm by arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.report import faults
from tests.report.fault_timelines import timeline
from tests.report.seen import words, xs, ys

from outboxbench.analysis.fault_panels import due_in_spans, fault_panels
from outboxbench.analysis.history.over_time import over_time
from outboxbench.report.charts import fault_timeline
from outboxbench.report.charts.frame import NoDataError
from outboxbench.report.charts.outcome_looks import LOOKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


def points(axes: Axes) -> dict[str, Line2D]:
    return {
        str(line.get_label()): line
        for line in axes.lines
        if str(line.get_label()) in {look.name for look in LOOKS.values()}
    }


def test_an_arm_has_a_strip_of_latencies_one_of_goodput_and_one_of_backlog() -> None:
    figure = timeline(faults.run(faults.arm(), faults.arm("psycopg")))

    assert len(figure.axes) == 3 * 2
    latency, goodput, backlog = figure.axes[:3]
    assert latency.get_yscale() == "log"
    assert [axes.get_ylabel() for axes in (latency, goodput, backlog)] == [
        *("latency, ms", "good/s", "backlog")
    ]
    assert backlog.get_xlabel() == "seconds since the block began"
    # All arms on the same scales.
    for first, second in zip(figure.axes[:3], figure.axes[3:], strict=True):
        assert first.get_ylim() == second.get_ylim()
        assert first.get_xlim() == second.get_xlim()
    for axes in (goodput, backlog):
        assert axes.get_ylim()[0] == 0


def test_every_operation_that_did_not_go_well_is_a_point() -> None:
    arm = faults.arm(outage_ms=400)

    figure = timeline(faults.run(arm), outage_ms=400)

    drawn = points(figure.axes[0])
    counts = due_in_spans(arm)
    assert counts.failed == len(xs(drawn["failed"])) == 16
    assert counts.ok_recovered == len(xs(drawn["recovered"]))
    assert counts.indeterminate == len(xs(drawn["in doubt"]))
    assert counts.skipped == len(xs(drawn["skipped"]))
    assert 0 < len(xs(drawn["ok"])) <= counts.ok + arm.availability.outcomes_before.ok
    # Those that are due first in an outage wait longest.
    assert max(ys(drawn["recovered"])) == pytest.approx(400, abs=2 * faults.EVERY_MS)
    low, high = figure.axes[0].get_ylim()
    assert all(low < level < high for line in drawn.values() for level in ys(line))
    assert all(line.get_rasterized() for line in drawn.values())


def test_faults_are_shaded_until_they_are_healed_and_the_servers_return_is_marked() -> None:
    asked = timeline(faults.run(faults.arm(server_ready_ms=200)), server_ready_ms=200)
    not_asked = timeline(faults.run(faults.arm()))

    for axes in asked.axes:
        bands, onsets, ready = axes.collections[:3]
        assert [path.get_extents().x0 for path in bands.get_paths()] == [0.5, 2.5]
        assert [path.get_extents().x1 for path in bands.get_paths()] == [0.8, 2.8]
        assert [path.get_extents().x0 for path in onsets.get_paths()] == [0.5, 2.5]
        assert [path.get_extents().x0 for path in ready.get_paths()] == pytest.approx([0.7, 2.7])
    assert "server back" in words(asked)
    assert "server back" not in words(not_asked)


def test_long_blocks_have_no_more_artists_than_short_ones() -> None:
    def artists(injections: int) -> int:
        arm = faults.arm(injections=injections)
        return len(timeline(faults.run(arm), injections=injections).axes[0].get_children())

    assert artists(20) == artists(2)


def test_a_fault_under_which_nothing_ended_is_left_out_with_the_reason() -> None:
    run = faults.run(faults.arm())
    panel = fault_panels(run)[0]
    told = {panel.arms[0].name: over_time([], panel.arms[0].availability.timeline, 1.0)}

    with pytest.raises(NoDataError, match=r"^no operation under reset has ended$"):
        fault_timeline.draw(run, panel, told)
