"""Relays in charts: each arm with its figures and its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from matplotlib.container import BarContainer
from tests.report.relays import ROUNDS, chain, chains, drain, drains, run, unmeasured
from tests.report.seen import overlaps, words, xs, ys

from outboxbench.analysis.relay_panels import relay_panels
from outboxbench.report import style
from outboxbench.report.charts import relay_backlog, relay_drain, relay_latency, relay_names
from outboxbench.report.charts.frame import NoDataError
from outboxbench.report.charts.render import render_charts
from outboxbench.report.numbers import BLANK
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayScenario

CHARTS = (relay_drain, relay_latency, relay_backlog)
SIZES = (1, 4, 20)


def labels(run: Run, scenario: RelayScenario) -> list[str]:
    return [
        relay_names.whole_name(panel, arm)
        for panel in relay_panels(run, scenario)
        for arm in panel.arms
    ]


@pytest.mark.parametrize("count", SIZES)
def test_no_text_of_a_chart_covers_another_or_is_cut_off(count: int) -> None:
    measured = run(*drains(count), *chains(count))

    for chart in CHARTS:
        figure = chart.draw(measured)
        figure.set_dpi(150)
        assert overlaps(figure) == []


def test_names_in_charts_stay_apart_however_long_they_are() -> None:
    measured = run(*drains(20), *chains(20))

    for scenario in ("drain", "chain"):
        names = labels(measured, "drain" if scenario == "drain" else "chain")
        assert len(set(names)) == len(names) == 20
        assert max(map(len, names)) <= relay_names.LONGEST
    assert "core-asyncpg-single sharded nats ×2 poll" not in labels(measured, "drain")
    assert "core-asyncpg-single sharded nats ×2 b500" in labels(measured, "drain")


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_has_its_title_and_the_verdict_of_the_run(chart: Any) -> None:
    good = words(chart.draw(run(drain(), chain())))
    bad = words(chart.draw(run(drain(verdict="fail"), chain(verdict="fail"))))

    assert chart.TITLE in good
    assert "Verdict of the run: pass" in good
    assert "✗" not in good
    assert "Verdict of the run: ✗ FAIL" in bad
    # The run's, and the arm's.
    assert bad.count("✗ FAIL") >= 2


@pytest.mark.parametrize(
    ("chart", "measured", "reason"),
    [
        (relay_drain, run(chain()), "no backlog was drained"),
        (relay_latency, run(drain()), "no chain of orders was measured"),
        (relay_backlog, run(), "no relay was measured"),
        (relay_backlog, run(unmeasured(drain()), unmeasured(chain())), "no relay was measured"),
    ],
)
def test_a_chart_of_nothing_is_left_out_with_the_reason(
    chart: Any, measured: Run, reason: str
) -> None:
    with pytest.raises(NoDataError, match=f"^{reason}$"):
        chart.draw(measured)


@pytest.mark.parametrize("chart", CHARTS)
def test_an_arm_that_was_not_measured_is_in_nobodys_way(chart: Any) -> None:
    measured = run(drain(), chain(), unmeasured(drain("psycopg")), unmeasured(chain("psycopg")))

    assert overlaps(chart.draw(measured)) == []
    assert chart.describe(measured)


def test_a_drain_of_which_nothing_was_measured_is_told_to_be_unknown() -> None:
    assert "? unknown" in words(relay_drain.draw(run(unmeasured(drain()))))


def bars(axes: Axes) -> list[float]:
    containers = [each for each in axes.containers if isinstance(each, BarContainer)]
    return [bar.get_width() for container in containers for bar in container]


def test_each_backlog_is_a_panel_with_a_bar_for_each_arm_and_a_dot_for_each_round() -> None:
    measured = run(
        drain("psycopg", "delete", rate=10_000.0, ratio=0.5),
        drain(rate=20_000.0),
        drain(rate=7_000.0, settings={"shape": "hot"}),
    )

    figure = relay_drain.draw(measured)

    even, hot = figure.axes
    assert bars(even) == pytest.approx([20_000.0, 10_000.0])
    assert bars(hot) == pytest.approx([7_000.0])
    assert [len(xs(line)) for line in even.lines] == [ROUNDS, ROUNDS]
    assert even.get_xlabel() == hot.get_xlabel() == "messages per second"
    told = words(figure)
    for text in (
        "10,000 messages of 1,000 aggregates, interleaved",
        "10,000 messages of 1,000 aggregates, hot",
        "psycopg delete",
        "asyncpg lease",
        "20,000",
        "0.50 [0.49, 0.51]",
        "plan lease",
        "plan delete",
        "one round",
    ):
        assert text in told
    assert "plan sharded" not in told


def test_the_bar_of_an_arm_that_failed_is_hatched_in_alarm() -> None:
    [axes] = relay_drain.draw(run(drain(rate=2.0), drain("psycopg", verdict="fail"))).axes

    hatches = [bar.get_hatch() for each in axes.containers for bar in each]
    assert sorted(str(hatch) for hatch in hatches) == sorted(["", style.DOUBT_HATCH])


def latencies(axes: Axes) -> list[list[float]]:
    """Median and 99th percentile of each arm, as far as they are drawn."""
    return [xs(line) for line in axes.lines if line.get_linewidth() > 2]


def test_each_hop_is_a_column_with_a_line_for_each_arm() -> None:
    measured = run(chain("psycopg", slowness=2.0), chain(), chain("orm-psycopg", samples=5))

    figure = relay_latency.draw(measured)

    assert len(figure.axes) == len(relay_latency.HOPS) == 4
    assert latencies(figure.axes[0]) == [[1500.0, 6000.0], [3000.0, 12_000.0], []]
    assert latencies(figure.axes[3]) == [[9000.0, 36_000.0], [18_000.0, 72_000.0], []]
    for axes in figure.axes:
        assert axes.get_xscale() == "log"
        assert axes.get_xlabel() == "ms (logarithmic)"
    # Hops can be compared with each other by eye.
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    told = words(figure)
    for text in (*relay_latency.HOPS.values(), "psycopg lease", "median", "p99", "longest"):
        assert text in told


@pytest.mark.parametrize("slowness", [1.0, 30.0, 1000.0, 100_000.0])
def test_latencies_many_decades_apart_have_labels_that_do_not_cover_each_other(
    slowness: float,
) -> None:
    figure = relay_latency.draw(run(chain(), chain("psycopg", slowness=slowness)))
    figure.set_dpi(150)

    assert overlaps(figure) == []
    for axes in figure.axes:
        labels_ms = [label.get_text() for label in axes.get_xticklabels()]
        assert len(labels_ms) >= 2
        assert max(map(len, labels_ms)) <= 4


def lines(figure: Figure) -> list[list[Line2D]]:
    """The lines of each panel over time, without those of the key."""
    return [[line for line in axes.lines if len(xs(line)) > 2] for axes in figure.axes]


def test_a_backlog_is_a_line_for_each_drain_in_one_panel_and_a_panel_for_each_chain() -> None:
    measured = run(
        drain(rate=20_000.0),
        drain("psycopg", "sharded", rate=10_000.0),
        chain(),
        chain("psycopg", "delete", slowness=2.0, verdict="unknown"),
    )

    figure = relay_backlog.draw(measured)

    together, first, second = lines(figure)
    assert [line.get_linestyle() for line in together] == ["-", ":"]
    assert [line.get_linestyle() for line in (*first, *second)] == ["-", "--"]
    assert [xs(line)[-1] for line in together] == pytest.approx([0.5, 1.0])
    assert all(ys(line)[-1] == 0 for line in (*together, *first, *second))
    drained, *window = figure.axes
    assert (drained.get_xlabel(), drained.get_ylabel()) == ("seconds", "messages waiting")
    assert [axes.get_xlabel() for axes in window] == ["seconds of the window"] * 2
    assert window[0].get_ylabel() == "messages\nwaiting"
    for axes in window:
        assert axes.get_ylim() == pytest.approx((0, 7.7))
    told = words(figure)
    for text in ("psycopg sharded", "psycopg\ndelete  ? unknown", "plan lease", "plan sharded"):
        assert text in told


def test_drains_that_failed_are_marked_in_words_beside_their_line() -> None:
    told = words(relay_backlog.draw(run(drain(), drain("psycopg", verdict="fail"))))

    assert "psycopg lease  ✗ FAIL" in told


def test_charts_are_described_with_every_figure_and_its_verdict() -> None:
    measured = run(
        drain(rate=20_000.0),
        drain("psycopg", rate=10_000.0, verdict="fail"),
        chain(),
        chain("psycopg", slowness=2.0, samples=500, verdict="unknown"),
    )

    assert relay_drain.describe(measured) == (
        "10,000 messages of 1,000 aggregates, interleaved: "
        "asyncpg lease 20,000 messages/s, verdict pass; "
        "psycopg lease 10,000 messages/s, verdict fail."
    )
    latency = relay_latency.describe(measured)
    assert (
        "asyncpg lease, verdict pass: handler p50 1.50 ms, p99 6.00 ms, broker p50 1.90 ms"
        in latency
    )
    assert f"psycopg lease, verdict unknown: handler p50 3.00 ms, p99 {BLANK} ms" in latency
    backlog = relay_backlog.describe(measured)
    slow = measured.relays[1].name
    assert f"{slow} took 1.0 s, verdict fail" in backlog
    assert f"{measured.relays[2].name} had at most 7 waiting, verdict pass" in backlog


def test_a_run_of_relays_has_their_charts_the_same_bytes_each_time(tmp_path: Path) -> None:
    measured = run(*drains(2), *chains(2))

    drawn = []
    for parent in ("first", "second"):
        folder = RunFolder.create(tmp_path / parent, "relay", measured.started_at)
        rendered = render_charts(measured, folder)
        drawn.append(
            {path.name: path.read_bytes() for path in rendered.files if path.suffix == ".svg"}
        )
        assert "throughput" in rendered.left_out

    assert drawn[0].keys() == {"relay-drain.svg", "relay-latency.svg", "relay-backlog.svg"}
    assert drawn[0] == drawn[1]


def test_the_fastest_relay_is_told_with_its_lead_over_the_next() -> None:
    told = relay_drain.finding(run(drain(rate=20_000.0), drain("psycopg", rate=10_000.0)))

    assert "asyncpg lease is fastest with 20,000 messages/s" in told
    assert "; round by round 2.00 [2.00, 2.00] times as much as psycopg lease with 10,000" in told
    assert told.endswith("10,000.")
