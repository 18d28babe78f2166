"""An attempt that notes when it had its connection: what it waited for is told apart."""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING

from outboxbench.core.application.outcome import Attempt, Stage

if TYPE_CHECKING:
    from uuid import UUID

    from outboxbench.core.application.inbox import InboxEntry

_BEGIN = Stage.BEGIN


class TimedAttempt(Attempt):
    """Times are those of the monotonic clock; `acquired_ns` is 0 until there is a connection."""

    __slots__ = ("_stage", "acquired_ns", "began_ns")

    def __init__(self, op_id: UUID, inbox: InboxEntry | None = None) -> None:
        self._stage = Stage.ACQUIRE
        self.acquired_ns = 0
        self.began_ns = monotonic_ns()
        super().__init__(op_id, inbox)

    @property
    def stage(self) -> Stage:
        """How far the attempt got."""
        return self._stage

    @stage.setter
    def stage(self, stage: Stage) -> None:
        self._stage = stage
        if stage is _BEGIN:
            self.acquired_ns = monotonic_ns()
