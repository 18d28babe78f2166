"""Faults in charts: each arm with what it went through, how long, and what became of it."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.container import BarContainer
from rich.console import Console
from tests.report import faults
from tests.report.seen import overlaps, words

from outboxbench.analysis.fault_panels import OUTCOMES, due_in_spans, fault_panels
from outboxbench.analysis.history.over_time import over_time
from outboxbench.report import style
from outboxbench.report.charts import (
    fault_names,
    fault_outcomes,
    fault_recovery,
    fault_timeline,
    fault_unavailability,
)
from outboxbench.report.charts.catalogue import CATALOGUE
from outboxbench.report.charts.frame import NoDataError
from outboxbench.report.charts.outcome_looks import LOOKS
from outboxbench.report.charts.render import render_charts
from outboxbench.report.terminal import print_report
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

OF_A_RUN = (fault_unavailability, fault_outcomes, fault_recovery)
SIZES = ((1, 1), (12, 1), (2, 20))


def timeline(run: Run, **history: Any) -> Figure:
    """The figure of the first fault, all of whose arms have the same history."""
    panel = fault_panels(run)[0]
    told = {
        arm.name: over_time(faults.lines(**history), arm.availability.timeline, faults.MAX_WAIT_S)
        for arm in panel.arms
    }
    return fault_timeline.draw(run, panel, told)


DRAWINGS: dict[str, Callable[[Run], Figure]] = {
    "timeline": timeline,
    "unavailability": fault_unavailability.draw,
    "outcomes": fault_outcomes.draw,
    "recovery": fault_recovery.draw,
}


def xs(line: Line2D) -> list[float]:
    return [float(value) for value in np.asarray(line.get_xdata())]


def ys(line: Line2D) -> list[float]:
    return [float(value) for value in np.asarray(line.get_ydata())]


# What all of them have in common.


@pytest.mark.parametrize(("strategies", "count"), SIZES)
@pytest.mark.parametrize("name", DRAWINGS)
def test_no_text_of_a_chart_covers_another_or_is_cut_off(
    name: str, strategies: int, count: int
) -> None:
    figure = DRAWINGS[name](faults.run(*faults.many(strategies, count)))
    figure.set_dpi(150)

    assert overlaps(figure) == []


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_chart_has_the_verdict_of_the_run_and_of_each_arm(name: str) -> None:
    good = words(DRAWINGS[name](faults.run(faults.arm())))
    bad = words(DRAWINGS[name](faults.run(faults.arm(), faults.arm("psycopg", verdict="fail"))))

    assert "Verdict of the run: pass" in good
    assert "2 injections an arm" in good
    assert "✗" not in good
    assert "Verdict of the run: ✗ FAIL" in bad
    assert "psycopg  ✗ FAIL" in bad


@pytest.mark.parametrize("name", DRAWINGS)
def test_profiles_of_a_strategy_stand_beside_each_other_under_names_of_their_own(name: str) -> None:
    told = words(
        DRAWINGS[name](
            faults.run(
                faults.arm(profile="matched"),
                faults.arm("psycopg", profile="matched"),
                faults.arm(profile="idiomatic"),
            )
        )
    )

    names = [line.strip() for line in told.splitlines() if " matched" in line or " idiom" in line]
    assert names == ["asyncpg idiomatic", "asyncpg matched", "psycopg matched"]


@pytest.mark.parametrize("chart", OF_A_RUN)
def test_a_chart_of_no_injection_is_left_out_with_the_reason(chart: Any) -> None:
    reason = "no operation was due" if chart is fault_outcomes else "no fault was injected"
    for measured in (faults.run(), faults.run(faults.arm(injections=0))):
        with pytest.raises(NoDataError, match=f"^{reason}"):
            chart.draw(measured)


def test_long_names_differ_still_when_they_are_shortened() -> None:
    long = "a-strategy-of-somebody-else-with-a-long-name"
    (panel,) = fault_panels(
        faults.run(faults.arm(long), faults.arm(long, profile="idiomatic", retries="naive"))
    )

    names = {fault_names.whole_name(panel, arm) for arm in panel.arms}

    assert len(names) == 2
    assert max(map(len, names)) <= fault_names.LONGEST


# Over time.


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


# Unavailability.


def distributions(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if line.get_drawstyle() == "steps-post"]


def test_each_fault_is_a_panel_with_a_distribution_of_each_arm() -> None:
    run = faults.run(faults.arm(outage_ms=200), faults.arm("psycopg", outage_ms=800))

    first_ok, gap = fault_unavailability.draw(run).axes

    assert first_ok.get_xscale() == gap.get_xscale() == "log"
    assert first_ok.get_xlabel() == gap.get_xlabel() == "ms (logarithmic)"
    assert first_ok.get_ylabel() == "of injections"
    assert first_ok.get_xlim() == gap.get_xlim()
    assert first_ok.get_ylim()[0] == 0
    for axes in (first_ok, gap):
        quick, slow = distributions(axes)
        assert quick.get_color() == style.look_of("asyncpg").colour
        assert slow.get_color() == style.look_of("psycopg").colour
        assert xs(quick)[1] < xs(slow)[1]
        assert ys(quick)[-1] == ys(slow)[-1] == 1


def test_what_never_recovered_keeps_its_line_below_all_and_is_named() -> None:
    run = faults.run(faults.arm(is_for_good=True))

    figure = fault_unavailability.draw(run)

    for axes in figure.axes:
        [line] = distributions(axes)
        assert ys(line)[-1] == 0.5
    assert "asyncpg  never after #2" in words(figure)
    assert "never after #2" in fault_unavailability.describe(run)


def test_small_differences_are_not_blown_up() -> None:
    run = faults.run(faults.arm(outage_ms=200), faults.arm("psycopg", outage_ms=210))

    low, high = fault_unavailability.draw(run).axes[0].get_xlim()

    assert high / low >= 9.99


# Outcomes.


def bars(axes: Axes) -> list[tuple[str, float, float]]:
    """Label, left edge and width of each part, row by row."""
    containers = [each for each in axes.containers if isinstance(each, BarContainer)]
    return [
        (str(each.get_label()), bar.get_x(), bar.get_width()) for each in containers for bar in each
    ]


def test_a_bar_stacks_the_outcomes_of_an_arm_the_bad_ones_first_up_to_all() -> None:
    arm = faults.arm()
    [axes] = fault_outcomes.draw(faults.run(arm)).axes

    parts = bars(axes)
    assert [label for label, _, _ in parts] == [LOOKS[outcome].name for outcome in OUTCOMES]
    edge = 0.0
    for _, left, width in parts:
        assert left == pytest.approx(edge)
        edge += width
    assert edge == pytest.approx(1)
    assert axes.get_xlim() == (0, 1)
    counts = due_in_spans(arm)
    assert parts[0][2] == pytest.approx(counts.failed / counts.attempted)


def test_a_single_bad_operation_of_many_is_seen_and_counted() -> None:
    arm = faults.arm(injections=20, outage_ms=5)
    counts = due_in_spans(arm)
    assert 0 < counts.attempted - counts.ok < 0.004 * counts.attempted

    figure = fault_outcomes.draw(faults.run(arm))

    parts = bars(figure.axes[0])
    assert all(width >= fault_outcomes.LEAST_SHARE - 1e-9 for _, _, width in parts)
    assert sum(width for _, _, width in parts) == pytest.approx(1)
    told = words(figure).splitlines()
    for outcome in OUTCOMES:
        assert f"{getattr(counts, outcome):,}" in told


# Recovery.


def medians(axes: Axes) -> list[float]:
    return [xs(line)[0] for line in axes.lines if line.get_marker() in ("o", "^")]


def test_each_stage_is_a_column_with_the_median_and_the_worst_of_each_arm() -> None:
    run = faults.run(
        faults.arm("orm-asyncpg", outage_ms=800, server_ready_ms=200),
        faults.arm(outage_ms=400, server_ready_ms=200),
    )

    figure = fault_recovery.draw(run)

    server, first_ok, goodput = figure.axes
    for axes in (server, first_ok, goodput):
        assert axes.get_xlabel() == "ms (logarithmic from 1)"
        assert axes.get_xlim() == server.get_xlim()
    assert medians(server) == [200, 200]
    quick, slow = medians(first_ok)
    assert quick < slow
    told = words(figure)
    for text in (*(stage for stage, _, _ in fault_recovery.STAGES), "median", "worst"):
        assert text in told
    # By layer, the thinnest on top.
    order = [told.splitlines().index(text) for text in ("driver alone", "SQLAlchemy ORM")]
    assert order == sorted(order)


def test_what_nobody_knows_is_said_and_what_never_came_is_counted() -> None:
    told = words(fault_recovery.draw(faults.run(faults.arm(is_for_good=True))))

    assert "nobody asked it" in told
    assert "1 of 2 ✗" in told


def test_arms_of_one_strategy_have_markers_that_are_filled_differently() -> None:
    run = faults.run(faults.arm(), faults.arm(profile="idiomatic"))

    axes = fault_recovery.draw(run).axes[1]

    fills = {line.get_fillstyle() for line in axes.lines if line.get_marker() == "o"}
    assert fills == {"full", "none"}


# In words, and as files.


def test_charts_are_described_with_their_figures_and_verdicts() -> None:
    arm = faults.arm(verdict="unknown", server_ready_ms=200)
    run = faults.run(arm)

    unavailable = fault_unavailability.describe(run)
    assert unavailable.startswith("reset: asyncpg, verdict unknown: time to first ok median ")
    counts = due_in_spans(arm)
    assert fault_outcomes.describe(run) == (
        f"reset: asyncpg, verdict unknown: {counts.failed} failed, {counts.indeterminate} in doubt,"
        f" {counts.skipped} skipped, {counts.ok_recovered} recovered, {counts.ok} ok."
    )
    assert "server answers again median 200 ms, worst 200 ms" in fault_recovery.describe(run)
    timeline = fault_timeline.describe(run, fault_panels(run)[0], {})
    assert f"{arm.name}: 2 injections, {counts.failed} failed" in timeline


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "faults", datetime(2026, 3, 1, tzinfo=UTC))


def recorded(folder: RunFolder) -> tuple[FaultArm, FaultArm]:
    first, second = faults.arm(), faults.arm("psycopg", "black-hole")
    return faults.record(folder, first), faults.record(folder, second)


def test_a_run_of_faults_has_their_charts_the_same_bytes_each_time(
    folder: RunFolder,
) -> None:
    run = faults.run(recorded(folder)[0])

    drawn = []
    for _ in range(2):
        rendered = render_charts(run, folder)
        drawn.append(
            {path.stem: path.read_bytes() for path in rendered.files if path.suffix == ".svg"}
        )

    assert drawn[0].keys() == {
        *("fault-unavailability", "fault-outcomes", "fault-recovery"),
        "fault-timeline-reset",
    }
    assert drawn[0] == drawn[1]
    assert rendered.left_out.keys() == CATALOGUE.keys() - {
        *("fault-unavailability", "fault-outcomes", "fault-recovery", "fault-timeline")
    }


def test_the_terminal_names_the_charts_that_were_drawn(folder: RunFolder) -> None:
    run = faults.run(recorded(folder)[0])
    file = io.StringIO()

    print_report(Console(file=file, width=80), run, folder.path)
    assert "Charts:" not in file.getvalue()
    render_charts(run, folder)
    print_report(Console(file=file, width=80), run, folder.path)

    told = file.getvalue()
    assert " ".join(told.split()).endswith(
        "Charts: fault-outcomes, fault-recovery, fault-timeline-reset, fault-unavailability"
    )


@pytest.mark.parametrize(
    ("becomes", "reason"),
    [
        ("cut", "it was cut"),
        ("missing", "cannot read"),
        ("another's", "was changed after the run"),
    ],
)
def test_a_history_that_cannot_be_read_costs_only_its_own_timeline(
    becomes: str, reason: str, folder: RunFolder
) -> None:
    arms = recorded(folder)
    path = folder.path / arms[0].history
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.unlink()
    if becomes == "cut":
        path.write_bytes(gzip.compress(b"".join(lines[:-1])))
    elif becomes == "another's":
        path.write_bytes((folder.path / arms[1].history).read_bytes())

    rendered = render_charts(faults.run(*arms), folder)

    assert {path.stem for path in rendered.files} == {
        *("fault-unavailability", "fault-outcomes", "fault-recovery"),
        "fault-timeline-black-hole",
    }
    assert reason in rendered.left_out["fault-timeline-reset"]


def test_a_history_outside_the_folder_of_its_run_is_not_read(folder: RunFolder) -> None:
    arm = faults.arm().model_copy(update={"history": "../elsewhere.jsonl.gz"})

    rendered = render_charts(faults.run(arm), folder)

    assert "outside its folder" in rendered.left_out["fault-timeline-reset"]
