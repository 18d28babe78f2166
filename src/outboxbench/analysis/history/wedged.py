"""Clients that a fault has wedged: they worked before it, and hang, idle or fail once it is healed.

A client is wedged by an injection if all of this holds:

- it was well: it succeeded between the healing of the fault before and this onset;
- it has not succeeded from the healing of this fault until the next onset or, where none follows,
  until the end of the history, in which what the load left is answered still;
- its latest attempt was begun in that time or before and never ended, or it begins nothing at all
  while the others begin so much that it should have, or it begins one operation after the other,
  and all in vain.

The numbers of clients outlive their processes. Where the fault ends client processes
(`ENDS_CLIENTS`), an attempt without an end shows only that its process was killed, and to begin
nothing that its successor is still starting. So there a client has to have begun an attempt since.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.history.operations import GOOD

if TYPE_CHECKING:
    from outboxbench.results.history import AttemptLine

BEGUN_BY_OTHERS: Final = 10
"""Operations that the others have to begin, each on average, or else to begin none says nothing."""

BEGUN_IN_VAIN: Final = 5
"""So many operations show that a client does not recover; a few may find each a lost connection."""

ENDS_CLIENTS: Final = frozenset({"worker-kill"})
"""Faults by which client processes end, to be replaced by others that have the same clients."""


class ClientsOfSpan:
    """What each client did in one span once it was `healthy`: from when it was healed, if ever.

    One who wedges counts once, where it does: only those that were well in the span before can.

    Args:
        healthy_from_ns: when the fault was healed; None if it never was.
        ends_ns: when the span ends.
        is_last: whether no onset follows, so that what comes after the span belongs to it still.
        killed_ns: when client processes were gone, if it is those that the fault ends.
    """

    def __init__(
        self,
        healthy_from_ns: int | None,
        ends_ns: int,
        *,
        is_last: bool = False,
        killed_ns: int | None = None,
    ) -> None:
        self.is_healed = healthy_from_ns is not None and healthy_from_ns < ends_ns
        self._from_ns = ends_ns if healthy_from_ns is None else healthy_from_ns
        self._ends_ns = ends_ns
        self._is_last = is_last
        self._killed_ns = killed_ns
        self._well: set[int] = set()
        self._begun: Counter[int] = Counter()
        self._begun_late: set[int] = set()
        self._begun_since_kill: set[int] = set()

    def see_begun(self, line: AttemptLine, began_ns: int) -> None:
        """Take note of an attempt that was begun in the span, or after the last one."""
        if self._killed_ns is not None and began_ns >= self._killed_ns:
            self._begun_since_kill.add(line.client)
        if began_ns >= self._ends_ns:
            self._begun_late.add(line.client)
        elif line.attempt == 1 and began_ns >= self._from_ns:
            self._begun[line.client] += 1

    def see_ended(self, line: AttemptLine, ended_ns: int) -> None:
        """Take note of an attempt that ended in the span, or after the last one."""
        if ended_ns >= self._from_ns and (line.outcome == "ok" or line.final in GOOD):
            self._well.add(line.client)

    def wedged(self, before: ClientsOfSpan, latest: LatestAttempts) -> int | None:
        """Count those that the span's fault has wedged.

        None where there is no telling: the fault was not healed, or nobody was well before.
        """
        if not self.is_healed or not before._well:
            return None
        suspects = before._well - self._well
        if self._killed_ns is not None:
            suspects &= self._begun_since_kill
        idle_is_odd = self._begun.total() >= BEGUN_BY_OTHERS * max(1, len(self._begun))
        until_ns = None if self._is_last else self._ends_ns
        return sum(
            latest.hangs(client, until_ns)
            or (idle_is_odd and self._is_idle(client))
            or self._begun[client] >= BEGUN_IN_VAIN
            for client in suspects
        )

    def _is_idle(self, client: int) -> bool:
        return not self._begun[client] and client not in self._begun_late


class LatestAttempts:
    """The latest attempt of each client, and whether it ended."""

    def __init__(self) -> None:
        self._latest: dict[int, tuple[int, bool]] = {}

    def see(self, line: AttemptLine, began_ns: int) -> None:
        """Take note of an attempt."""
        latest = self._latest.get(line.client)
        if latest is None or began_ns >= latest[0]:
            self._latest[line.client] = (began_ns, line.ended_ns is not None)

    def hangs(self, client: int, until_ns: int | None) -> bool:
        """Whether a client's latest attempt never ended, and was begun until then, if not ever."""
        began_ns, has_ended = self._latest[client]
        return not has_ended and (until_ns is None or began_ns < until_ns)
