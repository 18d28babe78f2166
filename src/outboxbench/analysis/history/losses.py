"""What was lost, named one by one, and set against what former primaries still hold of it.

A database that lost the latest commits is in a state that it was in before: versions that were
given out are given out again, to others, and whoever saw what is lost is lost with it. So nothing
but the acknowledgements, and what was delivered meanwhile, tells of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.history.findings import Findings
from outboxbench.results.history import LOST_OP_IDS, FaultLine
from outboxbench.results.loss import Loss

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from outboxbench.results.block import Check
    from outboxbench.results.history import HistoryLine

NAMED_OP_IDS: Final = 1_000


class Losses:
    """Losses of a history: of each, whether clients were told, or a former primary knows it."""

    def __init__(self) -> None:
        self._left_behind: set[str] | None = None
        self._acknowledged_behind: set[str] = set()
        self._lost: set[str] = set()

    @property
    def left_behind(self) -> AbstractSet[str]:
        """Every `op_id` that a former primary has committed and its successor lacks."""
        return self._left_behind or set()

    def see(self, line: HistoryLine) -> None:
        """Take note of what former primaries hold; has to come before what clients were told."""
        if isinstance(line, FaultLine) and LOST_OP_IDS in line.evidence:
            self._left_behind = (self._left_behind or set()) | set(line.evidence[LOST_OP_IDS])

    def see_acknowledged(self, op_id: str, *, is_there: bool) -> None:
        """Take note of an operation that a client was told of as committed."""
        if not is_there:
            self._lost.add(op_id)
        if op_id in self.left_behind:
            self._acknowledged_behind.add(op_id)

    def checks(self) -> Sequence[Check]:
        """Compare both accounts; there is nothing to compare where no server died for good."""
        if self._left_behind is None:
            return ()
        differ = Findings("what is lost is what former primaries still hold")
        for op_id in sorted(self._lost ^ self._acknowledged_behind):
            differ.add(op_id)
        both = len(self._lost | self._acknowledged_behind)
        return (differ.check("are known to one side alone", both),)

    def loss(self) -> Loss:
        """Return what was lost, once all operations have been seen."""
        knows = self._left_behind is not None
        return Loss(
            operations=len(self._lost),
            op_ids=tuple(sorted(self._lost)[:NAMED_OP_IDS]),
            left_behind=len(self.left_behind) if knows else None,
            left_behind_acknowledged=len(self._acknowledged_behind) if knows else None,
        )
