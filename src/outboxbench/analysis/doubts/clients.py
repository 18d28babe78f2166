"""What no check of the data shows: clients that a fault has put out of action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.results.model import RunWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run


def doubts(run: Run) -> Iterator[RunWarning]:
    """Yield what became of clients once the faults of a run were healed."""
    wedged = {arm.name: count for arm in run.faults if (count := _wedged_clients(arm))}
    if wedged:
        worst = max(wedged, key=wedged.__getitem__)
        yield RunWarning(
            code="wedged-clients",
            message=f"{sum(wedged.values())} clients did not come back once a fault was healed, in "
            f"{len(wedged)} of {len(run.faults)} arms, up to {wedged[worst]} in one ({worst})",
            advice="no data was lost by that, but such a client serves nobody: see the column "
            "wedged, and what these clients did in the timeline of the arm",
        )


def _wedged_clients(arm: FaultArm) -> int:
    return sum(each.wedged_clients or 0 for each in arm.availability.injections)
