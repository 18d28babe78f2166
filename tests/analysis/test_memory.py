"""Memory that rises is found, and what only looks like it is not."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest
from scipy.stats import theilslopes

from outboxbench.analysis.memory import memory_checks, memory_trend
from outboxbench.results.memory import MemorySeries

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR_S = 3600
MIB = 80.0


def series(
    mib_at: Callable[[float], float],
    *,
    lasts_s: int = HOUR_S,
    restarts_s: tuple[int, ...] = (),
    noise_mib: float = 0.5,
    every_s: int = 6,
) -> MemorySeries:
    """What is told of the time since the latest restart, with noise."""
    noise = Random(1).gauss
    began_s = (0, *restarts_s, lasts_s)
    at_s = list(range(0, lasts_s, every_s))
    generations = [
        next(
            number for number, (since, until) in enumerate(pairwise(began_s)) if since <= at < until
        )
        for at in at_s
    ]
    return MemorySeries(
        of="clients",
        at_s=[float(at) for at in at_s],
        mib=[
            mib_at(at - began_s[number]) + noise(0, noise_mib)
            for at, number in zip(at_s, generations, strict=True)
        ],
        generations=generations,
    )


def leak(share_per_hour: float) -> Callable[[float], float]:
    return lambda at_s: MIB * (1 + share_per_hour * at_s / HOUR_S)


def is_flat(given: MemorySeries) -> bool:
    trend = memory_trend(given)
    assert trend is not None
    return trend.is_flat


@pytest.mark.parametrize("lasts_s", [300, 1_200, HOUR_S])
def test_noise_is_no_leak(lasts_s: int) -> None:
    assert is_flat(series(lambda _: MIB, lasts_s=lasts_s, every_s=max(1, lasts_s // 600)))


def test_a_leak_is_found_and_its_rate_told() -> None:
    trend = memory_trend(series(leak(0.6)))
    assert trend is not None
    assert not trend.is_flat
    # Of the median, which is higher than what it began with.
    assert trend.per_hour * trend.median_mib == pytest.approx(0.6 * MIB, rel=0.05)


def test_a_leak_is_found_in_processes_that_are_replaced_before_it_hurts_much() -> None:
    restarts_s = tuple(range(300, HOUR_S, 300))
    assert not is_flat(series(leak(2.0), restarts_s=restarts_s))
    # A heap that still grows a little when its process is killed is none.
    assert is_flat(series(leak(0.6), restarts_s=restarts_s))


def test_a_slow_rise_is_borne() -> None:
    assert is_flat(series(leak(0.1)))


def test_a_step_after_a_restart_is_no_leak() -> None:
    restarted = series(lambda _: MIB, restarts_s=(2_000, 2_800))
    stepped = restarted.model_copy(
        update={
            "mib": tuple(
                mib + 40 * number
                for mib, number in zip(restarted.mib, restarted.generations, strict=True)
            )
        }
    )
    assert is_flat(stepped)
    # The same steps without the restarts are one.
    assert not is_flat(stepped.model_copy(update={"generations": (0,) * len(stepped.mib)}))


def test_what_processes_need_to_get_going_is_no_leak() -> None:
    def warming(at_s: float) -> float:
        return MIB * min(1.0, 0.3 + at_s / 10)

    assert is_flat(series(warming, restarts_s=tuple(range(120, HOUR_S, 120))))
    # A cache that fills up in the first third of the time.
    assert is_flat(series(lambda at_s: MIB + min(at_s, 1_200) / 10))


def test_spikes_are_no_leak() -> None:
    calm = series(lambda _: MIB)
    spikes = tuple(
        mib + 500 if place % 9 == 8 and place > 450 else mib for place, mib in enumerate(calm.mib)
    )
    assert is_flat(calm.model_copy(update={"mib": spikes}))


def test_memory_that_falls_is_flat() -> None:
    assert is_flat(series(leak(-0.5)))


def test_a_short_time_is_too_short_to_tell_and_asks_for_nothing() -> None:
    short = series(leak(50.0), lasts_s=120, every_s=1)
    assert memory_trend(short) is None
    assert memory_checks([short]) == ()
    always_anew = series(lambda _: MIB, restarts_s=tuple(range(8, HOUR_S, 8)))
    assert memory_trend(always_anew) is None
    assert memory_trend(MemorySeries(of="clients", at_s=(), mib=(), generations=())) is None


def test_in_a_few_minutes_a_small_drift_is_no_rate_an_hour() -> None:
    drift = series(lambda at_s: MIB + at_s / 100, lasts_s=300, every_s=1, noise_mib=0.1)
    trend = memory_trend(drift)
    assert trend is not None
    assert trend.per_hour > 0.25
    assert trend.is_flat


def test_within_one_life_it_is_the_line_of_theil_and_sen() -> None:
    given = series(leak(0.4), noise_mib=3.0)
    third = len(given.at_s) / 3
    judged = [place for place, _ in enumerate(given.at_s) if place >= third - 1]
    trend = memory_trend(given)
    assert trend is not None
    slope, *_ = theilslopes(
        [given.mib[place] for place in judged], [given.at_s[place] for place in judged]
    )
    assert trend.per_hour * trend.median_mib == pytest.approx(slope * HOUR_S, rel=1e-2)


def test_a_check_says_of_whom_and_how_much() -> None:
    flat, leaking = memory_checks([series(lambda _: MIB), series(leak(0.6))])
    assert (flat.name, flat.verdict) == ("memory of the clients stays flat", "pass")
    assert leaking.verdict == "fail"
    assert "of 112 MiB in the longest life" in leaking.detail
    assert "an hour, watched for" in leaking.detail
