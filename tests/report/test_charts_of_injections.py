"""Unavailability, outcomes and recovery in charts: a panel for each fault, a row for each arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from matplotlib.container import BarContainer
from tests.report import faults
from tests.report.seen import words, xs, ys

from outboxbench.analysis.fault_panels import OUTCOMES, due_in_spans
from outboxbench.report import style
from outboxbench.report.charts import fault_outcomes, fault_recovery, fault_unavailability
from outboxbench.report.charts.outcome_looks import LOOKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


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
