"""Reasons to doubt a run, or those it measured, that it shows by itself; each with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.analysis.doubts import blocks, clients, machine, statistics

if TYPE_CHECKING:
    from outboxbench.results.model import Run, RunWarning


def run_warnings(run: Run) -> tuple[RunWarning, ...]:
    """Return every doubt, those about the machine first."""
    return (
        *machine.doubts(run),
        *blocks.doubts(run),
        *statistics.doubts(run),
        *clients.doubts(run),
    )
