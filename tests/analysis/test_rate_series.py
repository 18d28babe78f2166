from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.analysis.runs import block, run

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.analysis.rate_series import is_swept, sweep
from outboxbench.analysis.series import rate_panels
from outboxbench.results.block import LatencyUs, OutcomeCounts
from outboxbench.results.model import Arm, Summary

if TYPE_CHECKING:
    from outboxbench.analysis.rate_series import Sweep

# Rate in per cent of 1000 per s: p50 and p99 in µs. Throughput per p99 is greatest at 60%.
CURVE = {
    20: (900, 2000),
    40: (950, 2500),
    60: (1000, 3000),
    80: (2500, 9000),
    110: (90_000, 400_000),
}


def arm(
    percent: int,
    *,
    p99: bool = True,
    workload: str = "charge",
    rate: str | None = None,
    measured: bool = True,
) -> Arm:
    median, tail = CURVE[percent]
    ok_per_s = min(percent, 100) * 10.0
    latency = LatencyUs(samples=900, p50=median, p99=tail if p99 else None)
    return Arm(
        name=f"asyncpg/{workload}/{percent}",
        role="strategy",
        strategy="asyncpg",
        write_plan="statements",
        driver="asyncpg",
        loop="uvloop",
        profile="matched",
        workload=workload,
        settings={"clients": 16, "rate": rate or f"{percent}% of own", "arrivals": "poisson"},
        offered_per_s=percent * 10.0,
        blocks=(
            block(
                0,
                ok_per_s,
                outcomes=OutcomeCounts(ok=round(ok_per_s), skipped=max(percent - 100, 0) * 10),
            ),
        ),
        capacity_ok_per_s=1000.0,
        summary=Summary(
            rounds=5,
            ok_per_s_median=ok_per_s,
            ok_per_s_min=ok_per_s,
            ok_per_s_max=ok_per_s,
            outcomes=OutcomeCounts(ok=1000, skipped=max(percent - 100, 0) * 10),
            latency_us=latency,
        )
        if measured
        else None,
        verdict="pass",
    )


def swept(*arms: Arm) -> Sweep:
    [panel] = rate_panels(run(*arms))
    [series] = panel.series
    return sweep(series)


def test_a_series_is_in_the_order_of_its_rates_and_is_a_curve_with_a_knee() -> None:
    found = swept(*(arm(percent) for percent in (110, 20, 80, 60, 40)))

    assert [point.offered_per_s for point in found.points] == [200, 400, 600, 800, 1100]
    assert [point.keeps_up for point in found.points] == [True] * 4 + [False]
    assert found.knee is not None
    assert (found.knee.offered_per_s, found.knee.latency_us) == (600, 3000)
    assert (found.capacity_per_s, found.highest_ok_per_s) == (1000, 1000)


def test_the_knee_is_found_over_the_median_where_too_few_samples_carry_a_p99() -> None:
    found = swept(*(arm(percent, p99=percent > 60) for percent in CURVE))

    assert found.judged_by == "p50"
    assert found.knee is not None
    assert found.knee.latency_us == 1000


def test_rates_that_were_not_kept_up_with_are_no_lack_of_samples() -> None:
    slow = [
        each.model_copy(
            update={
                "blocks": tuple(
                    block.model_copy(update={"ok_per_s": block.ok_per_s / 2})
                    for block in each.blocks
                )
            }
        )
        for each in map(arm, CURVE)
    ]

    found = swept(*slow)

    assert not any(point.keeps_up for point in found.points)
    assert (found.judged_by, found.knee) == ("p99", None)


def test_a_curve_that_was_not_followed_to_its_end_has_no_knee() -> None:
    assert swept(arm(20), arm(40), arm(60)).knee is None


def test_two_rates_are_no_series() -> None:
    assert rate_panels(run(arm(20), arm(60), arm(80, measured=False))) == ()


def test_other_work_is_another_panel() -> None:
    panels = rate_panels(
        run(*(arm(percent, workload=work) for work in ("charge", "place") for percent in CURVE))
    )

    assert [panel.workload for panel in panels] == ["charge", "place"]


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        ([arm(percent) for percent in CURVE], [True] * 5),
        ([arm(20), arm(60)], [False, False]),
        ([arm(percent, rate=f"{percent} per s") for percent in CURVE], [False] * 5),
    ],
    ids=["a sweep", "too few rates", "rates that all share"],
)
def test_only_tables_of_own_rates_that_a_sweep_covers_are_replaced(
    arms: list[Arm], expected: list[bool]
) -> None:
    of = run(*arms)

    assert [is_swept(of, table) for table in comparable_arms(of)] == expected
