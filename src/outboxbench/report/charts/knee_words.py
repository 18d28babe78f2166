"""Knees of rate curves in words: how much a strategy can be asked for, and how exact that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.report.numbers import milliseconds, three_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.analysis.rate_series import Sweep


def knee_text(sweep: Sweep) -> str:
    """The rate and the latency of a knee; a star marks one that is found over the median."""
    if (found := sweep.knee) is None:
        return "not reached"
    mark = "*" if sweep.judged_by == "p50" else ""
    return f"{three_digits(found.offered_per_s)}/s, {milliseconds(found.latency_us)} ms{mark}"


def highest_knee(title: str, sweeps: Sequence[Sweep]) -> str:
    """Say whose knee lies highest under this title, and who has none within the rates."""
    found = [(each, knee) for each in sweeps if (knee := each.knee)]
    without = [each.series.strategy for each in sweeps if each.knee is None]
    rest = f"; none within the rates: {', '.join(without)}" if without else ""
    if not found:
        return f"{title}: no curve has a knee within the rates"
    highest, knee = max(found, key=lambda each: each[1].offered_per_s)
    points = [point.offered_per_s for point in highest.points]
    higher = min((rate for rate in points if rate > knee.offered_per_s), default=None)
    coarse = "" if higher is None else f", known no finer than to the next rate of {higher:,.0f}/s"
    return (
        f"{title}: the highest knee is that of {highest.series.strategy} at"
        f" {knee_text(highest)}{coarse}{rest}"
    )
