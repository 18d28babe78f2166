"""A made-up check with one finding of each kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outboxbench.results.regression import Finding, Gate, Regression, RevisionNamed

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def ratio(metric: str, value: float, decision: Any, **changes: Any) -> Finding:
    return Finding(
        subject="asyncpg charge, 4 clients",
        metric=metric,
        decision=decision,
        detail=f"{value:.3f} times the base",
        base_value=100.0,
        head_value=100.0 * value,
        unit="µs",
        ratio=value,
        low=value * 0.98,
        high=value * 1.02,
        margin=0.05,
        rounds=12,
        **changes,
    )


@pytest.fixture
def refused() -> Regression:
    return Regression(
        base=RevisionNamed(name="origin/main", commit="a" * 40),
        head=RevisionNamed(name="HEAD", commit="b" * 40),
        suite="ci",
        command="outboxbench regress --base origin/main --suite ci --budget 10m",
        started_at=BEGAN,
        finished_at=BEGAN + timedelta(seconds=540),
        budget_s=600.0,
        decision="regression",
        notes=("the base has no mine|other, which is compared with nothing",),
        gates=(
            Gate(name="counts", decision="same", detail="no figures of 9 changed", seconds=21.5),
            Gate(
                name="correctness",
                decision="inconclusive",
                detail="14 verdicts",
                seconds=60.0,
                findings=(
                    Finding(
                        subject="psycopg/a|b",
                        metric="nothing is lost",
                        decision="inconclusive",
                        detail="<b>no *evidence*</b>",
                    ),
                ),
            ),
            Gate(
                name="timing",
                decision="regression",
                detail="3 comparisons that decide",
                seconds=400.0,
                findings=(
                    ratio("ok_per_s", 0.5, "regression"),
                    ratio("latency_p50", 1.0, "same"),
                    ratio("latency_p99", 1.9, "regression", is_advisory=True),
                ),
            ),
        ),
    )


@pytest.fixture
def broken(refused: Regression) -> Regression:
    """Refused by what is certain, so that nothing was timed."""
    found = Finding(
        subject="asyncpg charge (matched)",
        metric="round_trips",
        decision="regression",
        detail="round_trips 5 → 6",
        base_value=5,
        head_value=6,
        unit="an operation",
    )
    gates = (
        refused.gates[0].model_copy(update={"decision": "regression", "findings": (found,)}),
        refused.gates[1],
        Gate(name="timing", decision=None, detail="what is certain has refused", seconds=0.0),
    )
    return refused.model_copy(update={"gates": gates})
