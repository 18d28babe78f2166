"""What clients could not know of their operations, against what the database holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.results.availability import Ambiguity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from outboxbench.analysis.history.whole_operations import WholeOperation
    from outboxbench.results.history import MessageLine


class AmbiguityOfSpans:
    """Counts ambiguous operations by the span they were due in.

    Args:
        in_doubt: every op_id that was ever in doubt; nothing is kept of other messages.
    """

    def __init__(self, in_doubt: AbstractSet[str]) -> None:
        self._in_doubt = in_doubt
        self._committed: set[str] = set()
        self._operations: list[tuple[int, WholeOperation]] = []

    def see(self, line: MessageLine) -> None:
        """Take note of a message, which proves that its operation was committed."""
        if line.op_id in self._in_doubt and not line.is_older:
            self._committed.add(line.op_id)

    def add(self, span: int, operation: WholeOperation) -> None:
        """Take note of an operation that was due in a span."""
        if (
            operation.in_doubt
            or operation.outcome == "indeterminate"
            or operation.final == "ok_recovered"
        ):
            self._operations.append((span, operation))

    def of_spans(self, spans: int) -> list[Ambiguity]:
        """Return the counts of each span, once all lines have been seen."""
        return [
            self._of(operation for span, operation in self._operations if span == number)
            for number in range(spans)
        ]

    def _of(self, operations: Iterable[WholeOperation]) -> Ambiguity:
        indeterminate = committed = twice = recovered = 0
        for operation in operations:
            had_committed = not self._committed.isdisjoint(operation.in_doubt)
            is_indeterminate = operation.outcome == "indeterminate"
            indeterminate += is_indeterminate
            committed += is_indeterminate and had_committed
            twice += had_committed
            recovered += operation.final == "ok_recovered"
        return Ambiguity(
            indeterminate=indeterminate,
            committed=committed,
            twice_if_repeated=twice,
            recovered=recovered,
        )
