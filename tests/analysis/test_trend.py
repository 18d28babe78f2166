"""Ratios of an arm to its reference over many runs, and what a change of them means."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.analysis.runs import NOW, arm, block, ceiling, environment, run

from outboxbench.analysis.trend import UnusableRun, measured_run, series_of, trend
from outboxbench.results.machine import Server

if TYPE_CHECKING:
    from outboxbench.analysis.trend import MeasuredRun, Series, Track
    from outboxbench.results.block import Block
    from outboxbench.results.model import Arm


def arm_of(strategy: str, *rates: float, **changes: Any) -> Arm:
    blocks = [block(number, rate) for number, rate in enumerate(rates)]
    return arm(f"{strategy}/uvloop", blocks, **changes)


def measured(*arms: Arm, day: int = 0, **changes: Any) -> MeasuredRun:
    document = run(
        *arms, **{"started_at": NOW + timedelta(days=day), "reference": "asyncpg", **changes}
    )
    return measured_run(f"run-{day}", document, None)


def only(tracks: MeasuredRun) -> dict[tuple[str, str], float]:
    return {(track.arm, track.metric): ratio for track, ratio in tracks.ratios.items()}


def series(*speeds: float) -> Series:
    """The throughput of psycopg against asyncpg, one run a day."""
    runs = [
        measured(
            arm_of("asyncpg", 1000, 1000),
            arm_of("psycopg", 1000 * speed, 1000 * speed),
            day=day,
            environment=environment(revision=f"c{day}", packages={"psycopg": f"3.{day}"}),
        )
        for day, speed in enumerate(speeds)
    ]
    return next(each for each in series_of(runs) if each.track.metric == "ok_per_s")


def test_a_ratio_is_taken_within_each_round_and_its_mean_is_geometric() -> None:
    # The machine is half as fast in the second round.
    found = measured(arm_of("asyncpg", 1000, 500), arm_of("psycopg", 500, 1000))

    assert only(found) == {
        ("psycopg/uvloop", "ok_per_s"): pytest.approx(1.0),
        ("psycopg/uvloop", "latency_p50"): pytest.approx(1.0),
    }


def test_the_machine_does_not_show_in_a_ratio() -> None:
    fast = measured(arm_of("asyncpg", 4000, 4100), arm_of("psycopg", 2000, 2050))
    slow = measured(arm_of("asyncpg", 1000, 900), arm_of("psycopg", 500, 450))

    assert only(fast) == pytest.approx(only(slow))
    assert only(fast)["psycopg/uvloop", "ok_per_s"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "changes",
    [
        {"loop": "asyncio"},
        {"settings": {"clients": 16, "workers": 1}},
        {"profile": "idiomatic"},
        {"workload": "place"},
        {"copy_number": 2},
        {"busy_wait_us": 50.0},
        {"prepared_for": "lease"},
        {"offered_per_s": 100.0},
    ],
)
def test_arms_under_another_load_than_the_reference_are_not_held_against_it(
    changes: dict[str, Any],
) -> None:
    reference = arm_of("asyncpg", 1000, 1000)
    alike, other = arm_of("psycopg", 900, 900), arm_of("core-asyncpg", 500, 500, **changes)

    assert {name for name, _ in only(measured(reference, alike, other))} == {"psycopg/uvloop"}


def test_the_throughput_of_an_open_loop_is_not_followed() -> None:
    offered = {"offered_per_s": 300.0}
    found = measured(arm_of("asyncpg", 300, 300, **offered), arm_of("psycopg", 300, 300, **offered))

    assert [metric for _, metric in only(found)] == ["latency_p50"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verdict": "fail"}, "its verdict is fail"),
        ({"verdict": "unknown"}, "its verdict is unknown"),
        ({"complete": False}, "it was interrupted"),
        ({"arms": ()}, "it measured no throughput and no latency"),
        ({"reference": None}, "it names no strategy as its reference"),
        (
            {"reference": "orm-psycopg"},
            "no arm of it can be held against orm-psycopg under the same load",
        ),
    ],
)
def test_a_run_that_cannot_be_followed_says_why(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnusableRun) as refused:
        measured(arm_of("asyncpg", 1000), arm_of("psycopg", 900), **changes)

    assert str(refused.value) == reason


def test_a_reference_can_be_named_for_runs_that_name_none_and_only_for_them() -> None:
    arms = (arm_of("asyncpg", 1000), arm_of("psycopg", 500), ceiling([block(0, 4000)]))
    nameless, named = run(*arms, reference=None), run(*arms, reference="asyncpg")

    found = only(measured_run("a", nameless, "psycopg"))
    assert found["asyncpg/uvloop", "ok_per_s"] == pytest.approx(2.0)
    assert {name for name, _ in only(measured_run("b", named, "psycopg"))} == {"psycopg/uvloop"}


def tracks_of(*runs: MeasuredRun) -> list[Track]:
    return [each.track for each in series_of(runs)]


def test_other_settings_another_suite_and_less_durability_are_other_series() -> None:
    arms = (arm_of("asyncpg", 1000), arm_of("psycopg", 900))
    smaller = {"settings": {"clients": 4, "workers": 1}}
    unsafe = Server(version="18.6", origin="embedded", settings={"fsync": "off"})
    runs = [
        measured(*arms),
        measured(*arms, day=1),
        measured(arm_of("asyncpg", 1, **smaller), arm_of("psycopg", 2, **smaller), day=2),
        measured(*arms, day=3, suite="latency"),
        measured(*arms, day=4, server=unsafe),
    ]

    assert len(tracks_of(runs[0], runs[1])) == len(tracks_of(runs[0])) == 2
    assert len(tracks_of(*runs)) == 4 * 2


def test_runs_are_followed_in_the_order_in_which_they_began() -> None:
    late, early = (
        measured(arm_of("asyncpg", 1000), arm_of("psycopg", rate), day=day)
        for rate, day in ((800, 5), (400, 1))
    )

    assert series_of([late, early])[0].ratios == pytest.approx([0.4, 0.8])


def test_a_change_has_a_size_a_direction_and_the_commits_around_it() -> None:
    told = trend(series(0.5, 0.5, 0.5, 0.6, 0.6, 0.3, 0.3), [3, 5])
    rise, fall = told.changes

    assert (rise.index, rise.before.revision, rise.after.revision) == (3, "c2", "c3")
    assert rise.size == pytest.approx(0.2)
    assert rise.is_better
    assert rise.differences == ("psycopg 3.2 → 3.3",)
    assert fall.index == 5
    assert fall.size == pytest.approx(-0.5)
    assert not fall.is_better
    assert [level[:2] for level in told.levels] == [(0, 3), (3, 5), (5, 7)]
    assert [level[2] for level in told.levels] == pytest.approx([0.5, 0.6, 0.3])


def test_of_latency_less_is_better() -> None:
    throughput = series(0.5, 0.5, 0.6, 0.6)
    latency = next(
        each for each in series_of(throughput.runs) if each.track.metric == "latency_p50"
    )

    [change] = trend(latency, [2]).changes

    assert change.size == pytest.approx(0.5 / 0.6 - 1)
    assert change.is_better


def test_only_the_newest_change_of_a_metric_that_decides_is_a_regression() -> None:
    fell = series(0.6, 0.6, 0.5, 0.5)
    recovered = series(0.6, 0.6, 0.5, 0.5, 0.7, 0.7)

    assert trend(fell, [2]).has_regressed
    assert not trend(recovered, [2, 4]).has_regressed
    assert not trend(recovered, []).has_regressed


def test_what_is_advisory_is_no_regression() -> None:
    runs = [
        measured(
            arm("asyncpg/uvloop", [slow_tail(1e3)]),
            arm("psycopg/uvloop", [slow_tail(p99)]),
            day=day,
        )
        for day, p99 in enumerate((1e3, 1e3, 9e3, 9e3))
    ]
    tail = next(each for each in series_of(runs) if each.track.metric == "latency_p99")

    told = trend(tail, [2])

    assert not told.changes[0].is_better
    assert not told.has_regressed


def slow_tail(p99: float) -> Block:
    each = block(0)
    return each.model_copy(update={"latency_us": each.latency_us.model_copy(update={"p99": p99})})
