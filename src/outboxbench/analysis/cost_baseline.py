"""What differs between measured costs and a baseline: a line a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from outboxbench.results.cost_baseline import BaselineFigures, baseline_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from outboxbench.results.cost import Costs
    from outboxbench.results.cost_baseline import CostBaseline

TOLERANCES = {
    # The last digits of a number in a text, and the five bytes of a Flush more or less.
    "frontend_bytes": 0.01,
    "backend_bytes": 0.01,
    # A page of an index that is split by one operation more or less.
    "wal_records": 0.02,
    "wal_bytes": 0.10,
}
"""How much a figure may differ, relative to the baseline; one that is not named, not at all."""

_OF_THE_SERVER = ("wal_records", "wal_bytes")


def compares_log(baseline: CostBaseline, costs: Costs) -> bool:
    """What goes into the log can be compared on the same major version of the server alone."""
    return _major(baseline.server_version) == _major(costs.server.version)


def differences(
    baseline: CostBaseline, costs: Costs, strategies: Collection[str] | None = None
) -> list[str]:
    """Compare the profiles and workloads that were measured; none is looked for elsewhere.

    Args:
        baseline: what is expected.
        costs: what was measured.
        strategies: those that were asked for, None for all: only of these does the baseline expect
            anything.
    """
    measured = baseline_of(costs)
    with_log = compares_log(baseline, costs)
    lines: list[str] = []
    for profile, workloads in measured.figures.items():
        for workload, found in workloads.items():
            expected = {
                strategy: figures
                for strategy, figures in baseline.figures.get(profile, {}).get(workload, {}).items()
                if strategies is None or strategy in strategies
            }
            for strategy in sorted(expected.keys() | found.keys()):
                name = f"{strategy} {workload} ({profile})"
                if strategy not in expected:
                    lines.append(f"{name}: not in the baseline")
                elif strategy not in found:
                    lines.append(f"{name}: in the baseline, and not measured")
                else:
                    lines += (
                        f"{name}: {change}"
                        for change in changes(
                            expected[strategy], found[strategy], with_log=with_log
                        )
                    )
    return lines


class Change(NamedTuple):
    """A figure that is not what it was; None where it is not known."""

    figure: str
    before: float | None
    after: float | None

    def __str__(self) -> str:
        return f"{self.figure} {_text(self.before)} → {_text(self.after)}"


def changes(old: BaselineFigures, new: BaselineFigures, *, with_log: bool = True) -> list[Change]:
    """Return the figures that differ by more than they may; those of the log only `with_log`."""
    return [
        Change(figure, before, after)
        for figure in BaselineFigures.model_fields
        if with_log or figure not in _OF_THE_SERVER
        for before, after in [(getattr(old, figure), getattr(new, figure))]
        if not _alike(before, after, TOLERANCES.get(figure, 0.0))
    ]


def _alike(before: float | None, after: float | None, tolerance: float) -> bool:
    if before is None or after is None:
        return before is after
    return abs(after - before) <= tolerance * before


def _text(value: float | None) -> str:
    return "not known" if value is None else f"{value:.10g}"


def _major(version: str) -> str:
    return version.partition(".")[0]
