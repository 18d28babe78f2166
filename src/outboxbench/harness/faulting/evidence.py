"""The evidence of a block's faults, as its history has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.results.history import LOST_OP_IDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.results.history import FaultLine


def relative(evidence: Evidence, began_ns: int) -> dict[str, Any]:
    """Return the evidence with moments of the monotonic clock as those of the history."""
    suffix = "_monotonic_ns"
    return {
        (name.removesuffix(suffix) + "_ns" if name.endswith(suffix) else name): (
            value - began_ns if name.endswith(suffix) else value
        )
        for name, value in evidence.items()
    }


def with_losses(
    faults: Sequence[FaultLine], left_behind: Sequence[Sequence[str]]
) -> Sequence[FaultLine]:
    """Return the injections with the operations that each one cost, where anybody can tell."""
    if not left_behind:
        return faults
    return [
        fault._replace(evidence={**fault.evidence, LOST_OP_IDS: list(op_ids)})
        for fault, op_ids in zip(faults, left_behind, strict=True)
    ]
