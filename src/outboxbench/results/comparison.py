"""One arm against another in one metric, as a ratio with its interval and a decision."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from outboxbench.results.document import Document, PositiveFloat

Metric = Literal["ok_per_s", "latency_p50", "client_cpu", "latency_p99"]
Decision = Literal["regression", "improvement", "same", "inconclusive"]


class Comparison(Document):
    """How the metric of `head` relates to that of `base`: ratios are head / base.

    The interval is the 95% t-interval on the mean of the logarithms of the ratios.
    """

    base: str = Field(description="the arm that is compared with")
    head: str = Field(description="the arm that is judged")
    metric: Metric
    control: str | None = Field(
        default=None,
        description="the arm against which each side was measured first, where the two were not "
        "measured in the same rounds",
    )
    rounds: Annotated[int, Field(ge=2)] = Field(description="of the side that has fewer")
    ratio: PositiveFloat
    low: PositiveFloat
    high: PositiveFloat
    bootstrap_low: PositiveFloat = Field(description="percentile bootstrap, beside the t-interval")
    bootstrap_high: PositiveFloat
    hodges_lehmann: PositiveFloat = Field(
        description="ratio by the Hodges-Lehmann estimator, which single outliers do not move"
    )
    margin: PositiveFloat = Field(
        description="effects up to this share count as none: δ, at least 0.05"
    )
    p_value: Annotated[float, Field(ge=0, le=1)] = Field(
        description="of the one-sided test that the effect is within the margin, in the direction "
        "seen; corrected by Holm over the metrics of the pair that decide"
    )
    decision: Decision = Field(description="of head, in terms of better and worse")
    is_advisory: bool = Field(description="true where the metric may not fail a build")
