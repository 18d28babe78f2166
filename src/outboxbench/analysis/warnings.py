"""Reasons to doubt a run's figures that show from the run itself, each with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.analysis.doubts import blocks, machine, statistics

if TYPE_CHECKING:
    from outboxbench.results.model import Run, RunWarning


def run_warnings(run: Run) -> tuple[RunWarning, ...]:
    """Return every doubt, those about the machine first."""
    return (*machine.doubts(run), *blocks.doubts(run), *statistics.doubts(run))
