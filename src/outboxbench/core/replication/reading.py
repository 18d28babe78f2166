"""One stream of the log and what has come of it; another takes its place when it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.core.replication.transactions import TransactionReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.application.outbox import Run
    from outboxbench.core.replication.backlog import Backlog
    from outboxbench.core.replication.parking import ParkingWriter
    from outboxbench.core.replication.stream import ReplicationStream

MOST_MESSAGES: Final = 4_096
"""Beyond which no more is read for now; a transaction that has begun to arrive is read whole."""


class Reading:
    """What `ring` tells of; its other parts are set before the stream is first resumed."""

    stream: ReplicationStream
    writer: ParkingWriter
    backlog: Backlog

    def __init__(self, ring: Callable[[], None], observe: Callable[[str], None]) -> None:
        self._ring = ring
        self._transactions = TransactionReader(observe)

    @property
    def token(self) -> int:
        """The fencing token."""
        return self.writer.token

    def owns(self, run: Run) -> bool:
        """Tell whether a run was claimed since this stream began."""
        return run.lease.token == self.token

    def confirm(self) -> None:
        """Tell the server what is settled, and read on where there is room again."""
        self.stream.confirm(self.backlog.position)
        if self.stream.is_paused and self.backlog.messages <= MOST_MESSAGES // 2:
            self.stream.resume()

    def on_data(self, message: bytes) -> None:
        """Take what the output plugin sends."""
        committed = self._transactions.read(message)
        if committed is None:
            return
        self.backlog.take(committed)
        if self.backlog.messages > MOST_MESSAGES:
            self.stream.pause()
        if committed.messages:
            self._ring()

    def on_idle(self, lsn: int) -> None:
        """Confirm what nobody has to be told of, so that the server need not keep it."""
        if not self._transactions.is_within:
            self.backlog.idle(lsn)
            self.stream.confirm(self.backlog.position)

    def on_lost(self) -> None:
        """Have the next claim connect again."""
        self._ring()
