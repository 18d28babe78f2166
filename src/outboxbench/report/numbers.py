"""Figures as text: three significant digits, and a dash for what was not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outboxbench.results.comparison import Comparison, Metric
    from outboxbench.results.model import Run

BLANK = "–"

METRIC_NAMES: dict[Metric, str] = {
    "ok_per_s": "ok/s",
    "latency_p50": "p50 latency",
    "client_cpu": "client CPU/op",
    "latency_p99": "p99 latency",
}

_US_PER_MS = 1000


def three_digits(value: float | None) -> str:
    """A figure with three significant digits; whole thousands keep all of theirs, 0 has one."""
    if value is None:
        return BLANK
    if value == 0:
        return "0"
    decimals = next((n for n, limit in enumerate((100, 10, 1)) if value >= limit), 3)
    return f"{value:,.{decimals}f}"


def milliseconds(value_us: float | None) -> str:
    """A latency in µs as a figure in ms."""
    return three_digits(None if value_us is None else value_us / _US_PER_MS)


def percent(ratio: float | None) -> str:
    """A ratio as whole per cent."""
    return BLANK if ratio is None else f"{ratio:.0%}"


def interval(comparison: Comparison) -> str:
    """A ratio with its 95% interval."""
    return f"{comparison.ratio:.2f} [{comparison.low:.2f}, {comparison.high:.2f}]"


def how_much(run: Run) -> str:
    """How much was measured: rounds, unless all that a run did was to inject faults."""
    return injections(run) if run.faults and not (run.arms or run.relays) else rounds(run)


def injections(run: Run) -> str:
    """How much was measured under faults, where there are no rounds."""
    times = sorted({len(arm.availability.injections) for arm in run.faults})
    most = times[-1] if times else 0
    least = f"{times[0]:,} to " if len(times) > 1 else ""
    return f"{least}{most:,} injection{'' if most == 1 else 's'} an arm"


def rounds(run: Run) -> str:
    """How much was measured: rounds and the length of each window."""
    return f"{run.rounds} round{'' if run.rounds == 1 else 's'} of {run.window_s:g} s"
