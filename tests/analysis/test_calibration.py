"""An A/A run shows the noise of its machine."""

from __future__ import annotations

import pytest
from tests.analysis.runs import arm, block, run

from outboxbench.analysis.calibration import noise_of


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


def test_a_run_without_twins_shows_no_noise() -> None:
    with pytest.raises(ValueError, match="without two copies"):
        noise_of(run())
