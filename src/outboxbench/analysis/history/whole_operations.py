"""Operations, put together from their attempts while a history is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.history import AttemptLine

_UNKNOWN: Final = frozenset({None, "indeterminate"})


class WholeOperation(NamedTuple):
    """An operation over all its attempts.

    `ended_ns` and `final` are None where its last attempt does not tell, `began_ns` where it was
    skipped. `in_doubt` are the op_ids that may have been committed by an attempt of which nobody
    was told.
    """

    due_ns: int
    began_ns: int | None
    ended_ns: int | None
    final: str | None
    in_doubt: frozenset[str]

    @property
    def outcome(self) -> str:
        """The final outcome; nobody knows it of an operation without an end."""
        return self.final or "indeterminate"


def is_in_doubt(line: AttemptLine) -> bool:
    """Whether an attempt was begun, and nobody was told what became of it."""
    return line.began_ns is not None and line.outcome in _UNKNOWN


class OperationsInProgress:
    """Holds on to operations until their final outcome, so to few of them at a time."""

    def __init__(self) -> None:
        self._attempts: dict[int, list[AttemptLine]] = {}

    def see(self, line: AttemptLine) -> WholeOperation | None:
        """Take note of an attempt; return its operation if it is the last one."""
        earlier = self._attempts.pop(line.operation, None)
        attempts = [line] if earlier is None else [*earlier, line]
        if line.final is not None:
            return _whole(attempts)
        self._attempts[line.operation] = attempts
        return None

    def without_end(self) -> Iterator[WholeOperation]:
        """Yield those that never got a final outcome, once all attempts have been seen."""
        return map(_whole, self._attempts.values())


def _whole(attempts: list[AttemptLine]) -> WholeOperation:
    first, last = attempts[0], attempts[-1]
    # Had an earlier attempt committed, a later one under the same op_id could not have ended ok.
    told = {line.op_id for line in attempts if line.outcome == "ok"}
    return WholeOperation(
        due_ns=first.due_ns,
        began_ns=first.began_ns,
        ended_ns=None if last.final is None else last.ended_ns,
        final=last.final,
        in_doubt=frozenset(
            line.op_id for line in attempts if is_in_doubt(line) and line.op_id not in told
        ),
    )
