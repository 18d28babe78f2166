"""The charts of distributions, of heat over time, and of what an operation costs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.collections import FillBetweenPolyCollection, QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from tests.report.seen import overlaps, words

from outboxbench.analysis.ecdf import cumulated
from outboxbench.analysis.ecdf import ecdf as ecdf_of
from outboxbench.report import style
from outboxbench.report.charts import arm_cost, ecdf, heat_map, throughput
from outboxbench.report.charts.frame import NoDataError
from outboxbench.report.charts.grid import TALLEST_IN
from outboxbench.results.histograms import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from tests.report.conftest import MadeUpRun, RunBuilder

    from outboxbench.analysis.ecdf import Ecdf
    from outboxbench.report.charts.windows import IntervalsOf
    from outboxbench.results.block import Block
    from outboxbench.results.document import Profile
    from outboxbench.results.model import Run


def ecdfs_of(made_up: MadeUpRun) -> dict[str, Ecdf]:
    found = {
        name: ecdf_of([cumulated([block]) for block in blocks])
        for name, blocks in made_up.blocks.items()
    }
    return {name: each for name, each in found.items() if each is not None}


def on_uvloop(run: Run) -> Run:
    return run.model_copy(update={"arms": tuple(arm for arm in run.arms if arm.loop != "asyncio")})


def bands(axes: Axes) -> list[FillBetweenPolyCollection]:
    return [each for each in axes.collections if isinstance(each, FillBetweenPolyCollection)]


def test_every_arm_has_a_line_and_a_band_over_its_rounds(quick_run: MadeUpRun) -> None:
    figure = ecdf.draw(quick_run.run, ecdfs_of(quick_run))

    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert (axes.get_xscale(), axes.get_ylim()) == ("log", (0, 1))
        assert "ms" in axes.get_xlabel()
        assert axes.get_ylabel()
        # Six strategies and the ceiling.
        assert len(bands(axes)) == 7
        assert len([line for line in axes.lines if np.size(line.get_xdata()) > 1]) == 7
    assert overlaps(figure) == []


def test_a_single_round_has_no_band(build_run: RunBuilder) -> None:
    made_up = build_run(rounds=1)

    figure = ecdf.draw(made_up.run, ecdfs_of(made_up))

    assert [bands(axes) for axes in figure.axes] == [[], []]


def test_a_lead_is_told_with_its_interval_and_that_it_may_be_none(build_run: RunBuilder) -> None:
    apart = build_run(strategies={"asyncpg": (3000.0, 3000.0), "other": (1000.0, 1000.0)})
    alike = build_run(strategies={"asyncpg": (1000.0, 1000.0), "other": (1000.0, 1000.0)})

    fast_and_slow = on_uvloop(apart.run)
    for told in (throughput.finding(fast_and_slow), ecdf.finding(fast_and_slow, ecdfs_of(apart))):
        [ratio] = re.findall(r"round by round ([\d.]+) \[", told)
        assert float(ratio) == pytest.approx(3, rel=0.2)
        assert "either may be first" not in told
    assert "half of the operations of asyncpg" in ecdf.finding(fast_and_slow, ecdfs_of(apart))
    for told in (throughput.finding(alike.run), ecdf.finding(alike.run, ecdfs_of(alike))):
        assert told.count("so that either may be first") == told.count("round by round") > 0


def test_a_distribution_says_what_its_latencies_hold(
    quick_run: MadeUpRun, sweep_run: MadeUpRun
) -> None:
    assert "queueing is hidden" in words(ecdf.draw(quick_run.run, ecdfs_of(quick_run)))
    told = words(ecdf.draw(sweep_run.run, ecdfs_of(sweep_run)))
    assert "from when the operation was due" in told
    assert "hidden" not in told


def test_a_single_round_gives_no_lead(build_run: RunBuilder) -> None:
    alone = build_run(rounds=1)

    for told in (throughput.finding(alone.run), ecdf.finding(alone.run, ecdfs_of(alone))):
        assert "; before " in told
        assert "round by round" not in told


def test_a_distribution_needs_histograms(quick_run: MadeUpRun) -> None:
    with pytest.raises(NoDataError, match="20 samples"):
        ecdf.draw(quick_run.run, {})
    ceiling = {"pgbench": ecdfs_of(quick_run)["pgbench"]}
    with pytest.raises(NoDataError):
        ecdf.draw(quick_run.run, ceiling)


@pytest.fixture
def intervals(sweep_run: MadeUpRun) -> IntervalsOf:
    """Four intervals of each block, the third with ten failures beside it."""
    histograms = {
        id(block): histogram
        for arm in sweep_run.run.arms
        for block, histogram in zip(arm.blocks, sweep_run.blocks[arm.name], strict=True)
    }

    def of(block: Block) -> Sequence[Interval]:
        length_s = block.seconds / 4
        good = [
            Interval("ok", 50 + place * length_s, length_s, histograms[id(block)])
            for place in range(4)
        ]
        failures = Interval("failed", 50 + 2 * length_s, length_s, histograms[id(block)])
        lag = Interval("schedule_lag", 50, block.seconds, histograms[id(block)])
        return (*good, failures, lag)

    return of


def test_a_heat_map_has_a_cell_for_each_interval_and_latency(
    sweep_run: MadeUpRun, intervals: IntervalsOf
) -> None:
    figure = heat_map.draw(sweep_run.run, intervals)

    strips, maps = figure.axes[0:-1:2], figure.axes[1:-1:2]
    assert len(strips) == len(maps) == 12
    for axes in maps:
        [mesh] = [each for each in axes.collections if isinstance(each, QuadMesh)]
        cells: Any = np.ma.asarray(mesh.get_array())
        assert cells.shape[1] == 4
        # As often as they are, good operations alone: no lags, no failures.
        assert np.ma.allequal(cells[:, 0], cells[:, 2])
        assert axes.get_yscale() == "log"
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("seconds of the window", "latency, ms")
    for strip in strips:
        bars = [each for each in strip.patches if isinstance(each, Rectangle)]
        assert [bar.get_height() > 0 for bar in bars] == [False, False, True, False]
        assert to_rgba(bars[2].get_facecolor()) == to_rgba(style.ALARM)
    assert "operations in a cell" in figure.axes[-1].get_xlabel()
    assert "Left out: 12 arms farther from the most that they keep up with" in words(figure)
    assert overlaps(figure) == []


def test_a_heat_map_counts_every_operation(sweep_run: MadeUpRun, intervals: IntervalsOf) -> None:
    table = heat_map.data(sweep_run.run, intervals)

    first = table.rows[0][0]
    [arm] = [arm for arm in sweep_run.run.arms if arm.name == first]
    [block] = [block for block in arm.blocks if block.round == table.rows[0][1]]
    good = sum(int(str(row[5])) for row in table.rows if (row[0], row[6]) == (first, "good"))
    assert good == 4 * block.outcomes.good


def test_the_heat_is_one_hue_from_pale_to_dark() -> None:
    colours = style.heat()(np.linspace(0, 1, 32))[:, :3]

    luminance = colours @ [0.2126, 0.7152, 0.0722]
    assert np.all(np.diff(luminance) < 0)
    assert luminance[0] - luminance[-1] > 0.6
    # Blue all along.
    assert np.all(colours.argmax(axis=1) == 2)


def test_without_an_open_loop_there_is_no_heat_map(
    quick_run: MadeUpRun, intervals: IntervalsOf
) -> None:
    with pytest.raises(NoDataError, match="no open loop"):
        heat_map.draw(quick_run.run, intervals)


def test_costs_are_stacked_from_zero_with_whiskers_over_the_rounds(quick_run: MadeUpRun) -> None:
    figure = arm_cost.draw(quick_run.run)

    [axes] = figure.axes
    assert axes.get_xlim()[0] == 0
    assert axes.get_xscale() == "linear"
    assert "µs" in axes.get_xlabel()
    # Client and server of each of the twelve arms.
    assert len(axes.containers) == 25
    [legend] = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["client CPU", "server CPU", "all rounds"]
    assert overlaps(figure) == []


def test_the_cheapest_arm_is_named_with_both_of_its_costs(quick_run: MadeUpRun) -> None:
    told = arm_cost.finding(quick_run.run)

    assert "least CPU with asyncpg uvloop, 4" in told
    assert "most with orm-psycopg asyncio" in told
    assert told.endswith("their rounds do not overlap.")


def test_costs_that_nobody_counted_are_not_drawn(quick_run: MadeUpRun) -> None:
    blank = {"client_cpu_us_per_op": None, "server_cpu_us_per_op": None}
    arms = tuple(
        arm.model_copy(
            update={
                "blocks": tuple(
                    block.model_copy(update={"counters": block.counters.model_copy(update=blank)})
                    for block in arm.blocks
                )
            }
        )
        for arm in quick_run.run.arms
    )

    with pytest.raises(NoDataError, match="no CPU time"):
        arm_cost.draw(quick_run.run.model_copy(update={"arms": arms}))


def test_many_tables_are_grids_of_small_panels(build_run: RunBuilder) -> None:
    strategies = {f"same-{number}": (1000.0, 1100.0) for number in range(8)}
    workloads = ("charge", "place", "amend", "mixed", "hot")
    profiles: tuple[Profile, ...] = ("matched", "idiomatic")
    made_up = build_run(
        strategies=strategies, workloads=workloads, profiles=profiles, rounds=2, window_s=0.1
    )

    for figure, panels in (
        (throughput.draw(made_up.run), 10),
        (arm_cost.draw(made_up.run), 10),
        (ecdf.draw(made_up.run, ecdfs_of(made_up)), 20),
    ):
        assert len(figure.axes) == panels
        assert figure.get_figheight() <= TALLEST_IN
        assert overlaps(figure) == []


def test_a_panel_that_stands_alone_in_its_line_is_named_too(build_run: RunBuilder) -> None:
    made_up = build_run(strategies={f"same-{each}": (1e3, 1e3) for each in range(40)}, rounds=2)
    arms = tuple(
        arm.model_copy(update={"settings": {**arm.settings, "clients": clients}})
        for clients in (1, 2, 3, 4, 5)
        for arm in made_up.run.arms
    )

    figure = throughput.draw(made_up.run.model_copy(update={"arms": arms}))

    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [f"clients={clients}" for clients in (1, 2, 3, 4, 5)]
