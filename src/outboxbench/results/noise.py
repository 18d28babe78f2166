"""How much a machine's figures differ when nothing differs: what `calibrate` leaves behind."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field

from outboxbench.results.comparison import Metric
from outboxbench.results.document import Document, Loop, NonNegativeFloat, PositiveFloat
from outboxbench.results.machine import Environment, Pinning

NOISE_SCHEMA_VERSION: Final = 1


class MetricNoise(Document):
    """One metric of an arm that was measured twice in every round."""

    block_sigma: NonNegativeFloat = Field(
        description="standard deviation of the logarithm of a block's value"
    )
    paired_sigma: NonNegativeFloat = Field(
        description="standard deviation of the logarithm of a round's ratio"
    )
    drift: float = Field(
        description="change from the first to the last round by a Theil-Sen line, as a share"
    )
    differences: tuple[float, ...] = Field(
        description="logarithm of the ratio of the two twins, round by round"
    )


class Noise(Document):
    """What an A/A run showed on one machine."""

    schema_version: Literal[1] = NOISE_SCHEMA_VERSION
    measured_at: AwareDatetime
    environment: Environment
    server_version: str
    pinning: Pinning
    strategy: str
    loop: Loop
    workload: str
    clients: Annotated[int, Field(ge=1)]
    window_s: PositiveFloat
    rounds: Annotated[int, Field(ge=2)]
    metrics: dict[Metric, MetricNoise]
