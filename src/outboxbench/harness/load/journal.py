"""Every attempt on record while it happens, in a file that outlives the process that writes it.

One record of fixed size an attempt. It is written at the invocation, at every stage (above all
before a commit is sent) and at the end. A record without an end is an attempt of which nobody knows
what became.
"""

from __future__ import annotations

from struct import Struct
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from outboxbench.core.application.outcome import Attempt, FailureKind, Outcome, Stage
from outboxbench.harness.segments import Segments, read_segments

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from numpy.typing import NDArray

    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.retry import OperationResult

ATTEMPT: Final = np.dtype(
    [
        ("operation", "<u8"),  # unique in a run; 0 where nothing was written
        ("op_id", "V16"),
        ("aggregate_id", "V16"),
        ("cents", "<i8"),
        ("due_ns", "<i8"),
        ("began_ns", "<i8"),  # 0: it was skipped
        ("client", "<u2"),
        ("attempt", "<u2"),  # from 1; 0: it was skipped
        ("command", "u1"),
        ("stage", "u1"),
        ("commit_sent_ns", "<i8"),  # 0: it never was
        ("ended_ns", "<i8"),  # 0: nobody knows of an end
        ("outcome", "u1"),  # of the attempt, a place in OUTCOMES
        ("final", "u1"),  # of the operation, at its last attempt
        ("failure", "u1"),  # a place in FAILURES
        ("", "V3"),
    ]
)
"""An attempt at an operation. Times are those of the monotonic clock, in ns."""

OUTCOMES: Final = ("", *(outcome.value for outcome in Outcome))
FAILURES: Final = ("", *(kind.value for kind in FailureKind))

# Of plain strings: an enumeration's members hash in Python.
_OUTCOME_CODES: Final = {name: code for code, name in enumerate(OUTCOMES)}
_FAILURE_CODES: Final = {name: code for code, name in enumerate(FAILURES)}
_OK: Final = _OUTCOME_CODES["ok"]
_ACQUIRE: Final = Stage.ACQUIRE
_SENT: Final = Stage.COMMIT_SENT

_INVOCATION: Final = Struct("<Q16s16sqqqHHB")
_COMMIT_SENT: Final = Struct("<Bq")
_END: Final = Struct("<qBBB")
_MOMENT: Final = Struct("<q")
_STAGE_AT: Final = 69
_END_AT: Final = 78
_FINAL_AT: Final = 87
_KIND: Final = "attempts"


class Journal:
    """The records of one worker, in files of their own.

    Args:
        folder: where the files are, each named after the worker and its place in their order.
        worker: its number; operations are numbered from there.
    """

    def __init__(self, folder: Path, worker: int) -> None:
        self._operation = worker << 40
        self._segments = Segments(folder, f"worker-{worker}", _KIND, ATTEMPT)

    def operation(
        self, command: int, aggregate_id: UUID, cents: int, due_ns: int, client: int
    ) -> JournaledOperation:
        """Begin the record of an operation; `command` is what its reader calls it by."""
        self._operation += 1
        return JournaledOperation(
            self._segments, self._operation, aggregate_id.bytes, cents, due_ns, client, command
        )

    def close(self) -> None:
        """Give the memory back; the files stay."""
        self._segments.close()


class JournaledOperation:
    """The record of one operation. Called for each attempt, as `run_operation` makes them."""

    __slots__ = (
        "_aggregate_id",
        "_attempts",
        "_cents",
        "_client",
        "_command",
        "_due_ns",
        "_last",
        "_operation",
        "_segments",
    )

    def __init__(
        self,
        segments: Segments,
        operation: int,
        aggregate_id: bytes,
        cents: int,
        due_ns: int,
        client: int,
        command: int,
    ) -> None:
        self._segments = segments
        self._operation = operation
        self._aggregate_id = aggregate_id
        self._cents = cents
        self._due_ns = due_ns
        self._client = client
        self._command = command
        self._attempts = 0

    def __call__(self, op_id: UUID, inbox: InboxEntry | None) -> Attempt:
        """Record the invocation of an attempt and return it."""
        memory, place = self._segments.next_place()
        self._attempts += 1
        self._write(memory, place, op_id.bytes, monotonic_ns(), self._attempts)
        self._last = attempt = _JournaledAttempt(op_id, inbox, memory, place)
        return attempt

    def end(self, result: OperationResult) -> int:
        """Record how the operation ended; return when."""
        ended_ns = monotonic_ns()
        memory, place = self._last.memory, self._last.place
        if result.error is None:
            _END.pack_into(memory, place + _END_AT, ended_ns, _OK, _OK, 0)
        else:
            # The attempt has noted how it ended itself; a lookup may have followed.
            _MOMENT.pack_into(memory, place + _END_AT, ended_ns)
            memory[place + _FINAL_AT] = _OUTCOME_CODES[result.outcome.value]
        return ended_ns

    def skip(self, op_id: UUID) -> None:
        """Record that the operation was never begun."""
        memory, place = self._segments.next_place()
        self._write(memory, place, op_id.bytes, 0, 0)
        _END.pack_into(memory, place + _END_AT, 0, 0, _OUTCOME_CODES["skipped"], 0)

    def _write(
        self, memory: mmap.mmap, place: int, op_id: bytes, began_ns: int, attempt: int
    ) -> None:
        _INVOCATION.pack_into(
            memory,
            place,
            self._operation,
            op_id,
            self._aggregate_id,
            self._cents,
            self._due_ns,
            began_ns,
            self._client,
            attempt,
            self._command,
        )


class _JournaledAttempt(Attempt):
    """Records the stage whenever it changes."""

    __slots__ = ("_stage", "memory", "place")

    def __init__(
        self, op_id: UUID, inbox: InboxEntry | None, memory: mmap.mmap, place: int
    ) -> None:
        self.op_id = op_id
        self.inbox = inbox
        self.memory = memory
        self.place = place
        # As the record has it, which is all zeros at first.
        self._stage = _ACQUIRE

    @property
    def stage(self) -> Stage:
        return self._stage

    @stage.setter
    def stage(self, stage: Stage) -> None:
        before, self._stage = self._stage, stage
        if stage is before:
            return
        if stage is _SENT:
            _COMMIT_SENT.pack_into(self.memory, self.place + _STAGE_AT, stage, monotonic_ns())
        elif before is _SENT:
            # It turns out that the commit never left.
            _COMMIT_SENT.pack_into(self.memory, self.place + _STAGE_AT, stage, 0)
        else:
            self.memory[self.place + _STAGE_AT] = stage

    def failed(self, outcome: Outcome, failure: FailureKind) -> None:
        _END.pack_into(
            self.memory,
            self.place + _END_AT,
            monotonic_ns(),
            _OUTCOME_CODES[outcome.value],
            0,
            _FAILURE_CODES[failure.value],
        )


def read_attempts(folder: Path) -> Iterator[NDArray[Any]]:
    """Yield the attempts of a folder, a file at a time, in the order in which they began there."""
    for records in read_segments(folder, _KIND, ATTEMPT):
        yield records[records["operation"] > 0]
