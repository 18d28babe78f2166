"""The recorded noise, as far as it is that of the machine that a run was measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.analysis.same_machine import machine_differences
from outboxbench.results.noise_store import read_noise

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.results.model import Run
    from outboxbench.results.noise import Noise


def noise_of_this_machine(file: Path, run: Run) -> Noise | None:
    """Read a calibration; None where there is none, or it is of another machine than the run.

    Raises RunReadError when it is damaged.
    """
    recorded = read_noise(file)
    if recorded is not None and machine_differences(recorded.environment, run.environment):
        return None
    return recorded
