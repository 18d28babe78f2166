"""The charts of ratios, rates, time and distance; what all charts share is tested elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.report.seen import overlaps, words, xs

from outboxbench.report.charts import network, rate_curve, ratios, timeline
from outboxbench.report.charts.frame import NoDataError
from outboxbench.report.charts.grid import TALLEST_IN
from outboxbench.report.charts.render import render_charts
from outboxbench.report.charts.windows import MOST_PANELS, windows
from outboxbench.results.histograms import Interval
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.report.conftest import MadeUpRun, RunBuilder

    from outboxbench.report.charts.windows import IntervalsOf
    from outboxbench.results.block import Block
    from outboxbench.results.model import Arm, Run

SETTINGS_OF_A_REAL_RUN = {
    "accounts": 10_000,
    "isolation": "read committed",
    "lock_timeout_s": 5.0,
    "max_attempts": 10,
    "orders": 2000,
    "statement_timeout_s": 10.0,
    "workers": 1,
}


def with_real_settings(run: Run) -> Run:
    arms = (
        arm.model_copy(update={"settings": {**arm.settings, **SETTINGS_OF_A_REAL_RUN}})
        for arm in run.arms
    )
    return run.model_copy(update={"arms": tuple(arms)})


def intervals_of(made_up: MadeUpRun, *, per_block: int = 4) -> IntervalsOf:
    """Each block's latencies in intervals alike, with one missing."""
    histograms = {
        id(block): histogram
        for arm in made_up.run.arms
        for block, histogram in zip(arm.blocks, made_up.blocks[arm.name], strict=True)
    }

    def intervals(block: Block) -> list[Interval]:
        length_s = block.seconds / per_block
        return [
            Interval("ok", 1000 + number * length_s, length_s, histograms[id(block)])
            for number in range(per_block)
            if number != 1
        ]

    return intervals


def test_ratios_stand_beside_their_decision_in_words(build_run: RunBuilder) -> None:
    strategies = {"asyncpg": (1000.0, 1000.0), "slow": (500.0, 500.0), "fast": (2000.0, 2000.0)}
    figure = ratios.draw(build_run(strategies=strategies).run)

    told = words(figure)
    assert "charge, matched profile, ÷ asyncpg" in told
    assert told.count("faster") == told.count("slower") == 4
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    assert overlaps(figure) == []


def test_an_arm_compared_with_another_than_the_reference_names_its_base(
    build_run: RunBuilder,
) -> None:
    run = build_run(strategies={"asyncpg": (900.0, 1000.0), "other": (900.0, 1000.0)}).run
    twins = tuple(
        arm.model_copy(update={"strategy": "asyncpg", "copy_number": 2})
        if arm.strategy == "other"
        else arm
        for arm in run.arms
    )
    bases = tuple(each.model_copy(update={"base": "asyncpg-uvloop"}) for each in run.comparisons)

    of_reference = words(ratios.draw(run.model_copy(update={"arms": twins})))
    assert "asyncpg (2) uvloop" in of_reference

    slowed = tuple(
        arm.model_copy(update={"busy_wait_us": 35.0}) if arm.name == "asyncpg-uvloop" else arm
        for arm in twins
    )
    told = words(ratios.draw(run.model_copy(update={"arms": slowed, "comparisons": bases})))
    assert "asyncpg (2) uvloop ÷ asyncpg" in told
    assert "÷ asyncpg\n" not in told


@pytest.mark.slow
def test_many_tables_are_a_grid_that_still_can_be_printed(build_run: RunBuilder) -> None:
    strategies = {"asyncpg": (1000.0, 1000.0)} | {
        f"strategy-{number}": (500.0 + number, 600.0) for number in range(11)
    }
    workloads = ("charge", "place", "amend", "mixed", "hot")
    made_up = build_run(strategies=strategies, workloads=workloads, rounds=2, window_s=0.1)
    arms, comparisons = [], []
    for clients in (1, 4, 16, 64):
        for arm in made_up.run.arms:
            settings = {**arm.settings, "clients": clients}
            arms.append(
                arm.model_copy(update={"name": f"{arm.name}/{clients}", "settings": settings})
            )
        comparisons += [
            each.model_copy(
                update={"base": f"{each.base}/{clients}", "head": f"{each.head}/{clients}"}
            )
            for each in made_up.run.comparisons
        ]
    update = {"arms": tuple(arms), "comparisons": tuple(comparisons)}

    figure = ratios.draw(made_up.run.model_copy(update=update))

    assert len(figure.axes) == 20
    assert figure.get_figheight() <= TALLEST_IN
    assert words(figure).count("clients=16") == 5
    assert overlaps(figure) == []


def test_an_interval_that_says_nothing_leaves_the_axis_with_an_arrow(
    build_run: RunBuilder,
) -> None:
    run = build_run(strategies={"asyncpg": (900.0, 1000.0), "other": (900.0, 1000.0)}).run
    wide = tuple(each.model_copy(update={"low": 1e-6, "high": 1e6}) for each in run.comparisons)

    figure = ratios.draw(run.model_copy(update={"comparisons": wide}))

    for axes in figure.axes:
        assert axes.get_xlim()[1] < 100
        assert [line.get_marker() for line in axes.lines].count(">") == 2
    assert overlaps(figure) == []


def test_a_run_without_comparisons_has_no_ratios(quick_run: MadeUpRun) -> None:
    with pytest.raises(NoDataError):
        ratios.draw(quick_run.run.model_copy(update={"comparisons": ()}))


def test_advisory_ratios_are_told_to_decide_nothing(sweep_run: MadeUpRun) -> None:
    assert any(each.is_advisory for each in sweep_run.run.comparisons)
    assert "advisory: decides nothing" in words(ratios.draw(sweep_run.run))


def test_a_sweep_is_a_curve_with_its_knee_beside_it(sweep_run: MadeUpRun) -> None:
    figure = rate_curve.draw(sweep_run.run)

    [axes] = figure.axes
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_xlim()[0]) == ("linear", "log", 0)
    told = words(figure)
    for text in ("offered operations per second", "latency, ms", "capacity", "not kept up with"):
        assert text in told
    assert told.count("/s, ") == 3
    assert overlaps(figure) == []
    assert "psycopg uvloop knee" in rate_curve.describe(sweep_run.run)


def test_rates_that_were_not_kept_up_with_are_open_symbols(sweep_run: MadeUpRun) -> None:
    [axes] = rate_curve.draw(sweep_run.run).axes

    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
    assert {round(rate) for line in hollow for rate in xs(line)} == {3300, 1980, 1045}


def test_a_window_is_drawn_over_its_seconds_with_its_gaps(sweep_run: MadeUpRun) -> None:
    figure = timeline.draw(sweep_run.run, intervals_of(sweep_run))

    assert len(figure.axes) == MOST_PANELS
    assert "Left out: 12 arms farther from the most that they keep up with" in words(figure)
    assert "20% of own" not in words(figure)
    assert "110% of own" in words(figure)
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    for axes in figure.axes:
        assert axes.get_xlim() == (0, 2)
        assert xs(axes.lines[0]) == [0, 0.5, 0.5, 1, 1.5, 1.5, 2]
    assert overlaps(figure) == []


def test_of_a_sweep_the_last_rate_that_was_kept_up_with_and_the_next_are_shown(
    sweep_run: MadeUpRun,
) -> None:
    def halved(arm: Arm) -> Arm:
        assert arm.summary is not None
        outcomes = arm.summary.outcomes
        lost = outcomes.model_copy(update={"skipped": outcomes.attempted // 2})
        return arm.model_copy(update={"summary": arm.summary.model_copy(update={"outcomes": lost})})

    arms = tuple(
        halved(arm)
        if arm.settings["rate"] in {f"{share}% of own" for share in (60, 80, 90, 100)}
        else arm
        for arm in sweep_run.run.arms
    )

    shown, left_out = windows(sweep_run.run.model_copy(update={"arms": arms}))

    rates = [window.arm.settings["rate"] for window in shown]
    assert rates.count("40% of own") == rates.count("60% of own") == 3
    assert "110% of own" not in rates
    assert len(shown) + left_out == len(arms)


def test_what_was_skipped_is_told_in_its_panel(sweep_run: MadeUpRun) -> None:
    assert "skipped" in words(timeline.draw(sweep_run.run, intervals_of(sweep_run)))


def test_a_short_closed_loop_has_no_timeline_and_a_long_one_has(build_run: RunBuilder) -> None:
    short = build_run(rounds=1)
    long = build_run(rounds=1, window_s=10.0, strategies={"asyncpg": (90.0, 100.0)})

    with pytest.raises(NoDataError):
        timeline.draw(short.run, intervals_of(short))
    assert len(timeline.draw(long.run, intervals_of(long)).axes) == 2


def test_where_lines_cross_is_told_in_words(network_run: MadeUpRun) -> None:
    figure = network.draw(network_run.run)

    told = words(figure)
    assert "From 0 to 0.5 ms asyncpg-single overtakes asyncpg." in told
    assert "0.5 ms added 0.51 ms (p99 0.60 ms)" in told
    assert figure.axes[0].get_yscale() == "log"
    assert overlaps(figure) == []
    assert "overtakes" in network.describe(network_run.run)


def test_lines_that_do_not_cross_are_told_not_to(network_run: MadeUpRun) -> None:
    arms = tuple(arm for arm in network_run.run.arms if arm.strategy != "asyncpg-single")

    assert "No strategy overtakes another" in words(
        network.draw(network_run.run.model_copy(update={"arms": arms}))
    )


def test_the_settings_of_a_real_run_stay_inside_the_picture(
    sweep_run: MadeUpRun, network_run: MadeUpRun
) -> None:
    open_loop = with_real_settings(sweep_run.run)

    assert overlaps(ratios.draw(open_loop)) == []
    assert overlaps(rate_curve.draw(open_loop)) == []
    assert overlaps(network.draw(with_real_settings(network_run.run))) == []


@pytest.mark.slow
def test_the_same_run_gives_the_same_svg(
    sweep_run: MadeUpRun, network_run: MadeUpRun, tmp_path: Path
) -> None:
    def drawn(made_up: MadeUpRun, parent: str) -> dict[str, bytes]:
        folder = RunFolder.create(tmp_path / parent, "latency", made_up.run.started_at)
        files = render_charts(made_up.record(folder), folder).files
        return {path.stem: path.read_bytes() for path in files if path.suffix == ".svg"}

    for number, (made_up, names) in enumerate(
        [(sweep_run, {"rate-curve", "timeline", "ratios"}), (network_run, {"network", "ratios"})]
    ):
        first = drawn(made_up, f"first-{number}")
        assert names <= first.keys()
        assert drawn(made_up, f"second-{number}") == first
