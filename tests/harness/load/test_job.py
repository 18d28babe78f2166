"""What the harness and a worker say to each other survives the trip, and shows no password."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import get_args

import pytest

from outboxbench.core.strategies.settings import (
    DatabaseAddress,
    Isolation,
    Profile,
    StrategySettings,
)
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.job import Job, Loop, OpenLoad, Window, WorkerResult

PASSWORD = 'a "quoted"\npassword \\ with é'
ADDRESS = DatabaseAddress("127.0.0.1", 5432, "me", PASSWORD, "outboxbench_x", "require")


def job(
    profile: Profile = "matched",
    isolation: Isolation = "read committed",
    loop: Loop = "uvloop",
) -> Job:
    settings = StrategySettings(ADDRESS, profile, 3, isolation, 1.5, 0.25, 2.0)
    return Job(settings, loop, "mixed", 4, 8, Dataset(12, 5), "1/0/arm", 7)


@pytest.mark.parametrize("profile", get_args(Profile))
@pytest.mark.parametrize("isolation", get_args(Isolation))
@pytest.mark.parametrize("loop", get_args(Loop))
def test_a_job_comes_back_as_it_went(profile: Profile, isolation: Isolation, loop: Loop) -> None:
    sent = job(profile, isolation, loop)
    rate = OpenLoad("even", 250.0, 1.5, "1/0/arrivals", 0.25)

    assert Job.from_json(replace(sent, open_load=rate).to_json()).open_load == rate
    assert Job.from_json(sent.to_json()) == sent


def test_a_job_is_one_line() -> None:
    assert "\n" not in job().to_json()


def test_a_job_does_not_show_its_password() -> None:
    assert "password" not in repr(job())


def test_a_result_comes_back_as_it_went() -> None:
    sent = WorkerResult(
        outcomes={"charge": {"ok": 3}},
        window_outcomes={"ok": 2},
        failures={"timeout": 1},
        latency_counts={"ok": [{5: 2, 30_000: 1}, {}]},
        schedule_lag_counts={7: 3},
        generator_lag_counts={1: 3},
        ended_good=2,
        attempts=4,
        charged_cents=300,
        clamped=1,
        idle_ns=10,
        running_ns=1000,
    )

    assert WorkerResult.from_message(json.loads(json.dumps(asdict(sent)))) == sent


def test_a_window_knows_its_length() -> None:
    assert Window.of(0, 1_000_000_000, 1_250_000_000).seconds == 0.25


@pytest.mark.parametrize(
    ("window_s", "interval_s", "intervals"),
    [(0.05, 0.1, 1), (1, 0.1, 10), (2, 0.1, 20), (2.05, 0.2, 11), (20, 1, 20), (3600, 200, 18)],
)
def test_a_window_is_divided_into_about_twenty_intervals_of_a_round_length(
    window_s: float, interval_s: float, intervals: int
) -> None:
    window = Window.of(0, 0, round(window_s * 1e9))

    assert window.interval_ns == round(interval_s * 1e9)
    assert window.intervals == intervals
