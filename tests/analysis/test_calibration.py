"""An A/A run shows the noise of its machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.analysis.runs import NOW, arm, block, ceiling, environment, run

from outboxbench.analysis.calibration import noise_of
from outboxbench.results.machine import Pinning

if TYPE_CHECKING:
    from outboxbench.results.model import Arm


def twins() -> tuple[Arm, Arm]:
    first, second = (
        [block(number, 1000.0 + step * (number % 3)) for number in range(6)] for step in (10, 20)
    )
    return arm("asyncpg/uvloop", first), arm("asyncpg/uvloop/copy 2", second, copy_number=2)


def test_the_noise_is_that_between_the_two_copies() -> None:
    first = arm("asyncpg/uvloop", [block(number, 1000.0) for number in range(6)])
    second = arm(
        "asyncpg/uvloop/copy 2",
        [block(number, 1000.0 * (1.1 if number % 2 else 1.0)) for number in range(6)],
        copy_number=2,
    )

    noise = noise_of(run(first, second))

    assert noise.strategy == "asyncpg"
    assert noise.clients == 8
    assert noise.rounds == 6
    differences = noise.metrics["ok_per_s"].differences
    assert differences == pytest.approx([0.0, 0.0953, 0.0, 0.0953, 0.0, 0.0953], abs=1e-3)


def test_the_noise_says_of_what_and_where_it_is() -> None:
    pinning = Pinning(server_cores=(0,), client_cores=(1,))

    noise = noise_of(run(*twins(), pinning=pinning, window_s=0.5, rounds=8))

    assert noise.measured_at == NOW
    assert noise.environment == environment()
    assert (noise.server_version, noise.pinning) == ("18.6", pinning)
    assert (noise.loop, noise.workload) == ("uvloop", "charge")
    assert (noise.window_s, noise.rounds) == (0.5, 8)


def test_a_metric_that_was_not_measured_has_no_noise() -> None:
    assert set(noise_of(run(*twins())).metrics) == {"ok_per_s", "latency_p50"}


def test_a_third_copy_and_a_ceiling_do_not_matter() -> None:
    first, second = twins()
    wild = [block(number, 10.0 + number) for number in range(6)]
    third = arm("asyncpg/uvloop/copy 3", wild, copy_number=3)

    assert noise_of(run(ceiling(wild), third, second, first)) == noise_of(run(first, second))


def test_a_run_without_twins_shows_no_noise() -> None:
    with pytest.raises(ValueError, match="without two copies"):
        noise_of(run())
