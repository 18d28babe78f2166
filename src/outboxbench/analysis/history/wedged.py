"""Clients that worked before a fault and never did again, though it was healed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.history.operations import GOOD

if TYPE_CHECKING:
    from outboxbench.results.history import AttemptLine

BEGUN_BY_OTHERS: Final = 10
"""Operations that the others have to begin, each on average, or else to begin none says nothing."""


class ClientsOfSpan:
    """What each client did in one span once it was `healthy`: from when it was healed, if ever.

    One who wedges counts once, where it does: only those that were well in the span before can.
    """

    def __init__(self, healthy_from_ns: int | None, ends_ns: int) -> None:
        self.is_healed = healthy_from_ns is not None and healthy_from_ns < ends_ns
        self._from_ns = ends_ns if healthy_from_ns is None else healthy_from_ns
        self._ends_ns = ends_ns
        self._well: set[int] = set()
        self._begun: Counter[int] = Counter()

    def see_begun(self, line: AttemptLine, began_ns: int) -> None:
        """Take note of an attempt that was begun in the span."""
        if line.attempt == 1 and began_ns >= self._from_ns:
            self._begun[line.client] += 1

    def see_ended(self, line: AttemptLine, ended_ns: int) -> None:
        """Take note of an attempt that ended in the span."""
        if ended_ns >= self._from_ns and (line.outcome == "ok" or line.final in GOOD):
            self._well.add(line.client)

    def wedged(self, before: ClientsOfSpan, latest: LatestAttempts) -> int | None:
        """Count those that were well in the span before and are no longer.

        Either their latest attempt never ended, or they begin nothing while others do. None where
        there is no telling: the fault was not healed, or nobody was well before.
        """
        if not self.is_healed or not before._well:
            return None
        idle_is_odd = self._begun.total() >= BEGUN_BY_OTHERS * max(1, len(self._begun))
        return sum(
            latest.hangs(client, self._ends_ns) or (idle_is_odd and not self._begun[client])
            for client in before._well - self._well
        )


class LatestAttempts:
    """The latest attempt of each client, and whether it ended."""

    def __init__(self) -> None:
        self._latest: dict[int, tuple[int, bool]] = {}

    def see(self, line: AttemptLine, began_ns: int) -> None:
        """Take note of an attempt."""
        latest = self._latest.get(line.client)
        if latest is None or began_ns >= latest[0]:
            self._latest[line.client] = (began_ns, line.ended_ns is not None)

    def hangs(self, client: int, by_ns: int) -> bool:
        """Whether a client's latest attempt was begun by then, and never ended."""
        began_ns, has_ended = self._latest[client]
        return began_ns < by_ns and not has_ended
