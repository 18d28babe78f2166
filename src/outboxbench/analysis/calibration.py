"""What an A/A run shows: the noise of the machine that it ran on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.analysis.noise import measure_noise
from outboxbench.results.noise import Noise

if TYPE_CHECKING:
    from outboxbench.results.model import Run


def noise_of(run: Run) -> Noise:
    """Return the noise between the first two copies of a run's arm.

    Raises ValueError for a run that is no A/A run.
    """
    twins = {arm.copy_number: arm for arm in run.arms if arm.role == "strategy"}
    if not {1, 2} <= twins.keys():
        raise ValueError("a run without two copies of an arm shows no noise")
    base, twin = twins[1], twins[2]
    clients = base.settings["clients"]
    assert base.loop is not None
    assert isinstance(clients, int)
    return Noise(
        measured_at=run.started_at,
        environment=run.environment,
        server_version=run.server.version,
        pinning=run.pinning,
        strategy=base.strategy,
        loop=base.loop,
        workload=base.workload,
        clients=clients,
        window_s=run.window_s,
        rounds=run.rounds,
        metrics=measure_noise(base, twin),
    )
