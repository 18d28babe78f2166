"""Cuts one connection at its commit, to the byte.

Its messages are followed throughout, not only while cuts are armed: nobody who begins to look in
the midst of a stream knows where a message begins, or what a statement that was prepared before is.
Where nothing is to be cut they are looked at after they were passed on, while the other side works.
Otherwise the client's are looked at before they leave, and wait until they show what they are, so
that a cut is exact; and the server's when they arrive, so that an answer is known to be there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from outboxbench.harness.wire.commit_cut import CutAfter
from outboxbench.harness.wire.commit_watch import (
    ENDS_WITH_READY,
    WATCHED_HEAD_BYTES,
    CommitWatch,
)
from outboxbench.harness.wire.protocol import FrontendParser
from outboxbench.harness.wire.ready_parser import ReadyParser
from outboxbench.harness.wire.session import ENCRYPTION_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.harness.wire.commit_cut import CommitCuts
    from outboxbench.harness.wire.faulty_lane import FaultyLane
    from outboxbench.harness.wire.protocol import Message

_ANSWER_TIMEOUT_S: Final = 1.0


class CommitCutter:
    """What the lanes of a connection show what they pass on, as their hooks.

    Args:
        cuts: what is to be cut, of all connections.
        reset: resets the connection.
    """

    def __init__(self, cuts: CommitCuts, reset: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._cuts = cuts
        self._reset = reset
        self._watch = CommitWatch()
        self._frontend = FrontendParser(WATCHED_HEAD_BYTES)
        self._backend = ReadyParser()
        self._unknown = b""
        self._cut: CutAfter | None = None
        self._cut_timer: asyncio.TimerHandle | None = None

    def attach(self, outward: FaultyLane, inward: FaultyLane) -> None:
        """Say which lanes they are, before anything passes."""
        self._outward = outward
        self._inward = inward

    @property
    def is_cutting(self) -> bool:
        """Whether the answer to a commit is awaited, so that it can be dropped."""
        return self._cut is not None

    @property
    def client_has_terminated(self) -> bool:
        """Whether the client has said goodbye."""
        return self._watch.has_terminated

    @property
    def held_bytes(self) -> int:
        """How much waits until it shows what it is."""
        return len(self._unknown)

    def to_server(self, data: bytes) -> bytes:
        """Return what may still leave for the server; the connection may be cut afterwards."""
        if not data:
            unknown, self._unknown = self._unknown, b""
            return unknown
        if self._cut is None and not self._unknown and not self._cuts.is_any_left:
            self._outward.send(data)
            for message in self._frontend.feed(data):
                self._note_sent(message)
            return b""
        return self._known_part(data)

    def _note_sent(self, message: Message) -> bool:
        """Return whether the server commits because of it."""
        if message.name in ENCRYPTION_REQUESTS:
            self._backend.expect_encryption_answer()
        return self._watch.sent(message)

    def _known_part(self, data: bytes) -> bytes:
        messages = self._frontend.feed(data)
        if self._unknown:
            data = self._unknown + data
        start = self._frontend.position - len(data)
        for message in messages:
            is_commit = self._note_sent(message)
            if is_commit and self._cut is None and (when := self._cuts.claim()):
                if when == "before":
                    # A part of it may have left before there was anything to be cut: the server
                    # does nothing about a part.
                    self._outward.send(data[: max(0, message.start - start)])
                    self._cut_off(has_answered=False)
                    return b""
                # Its own answer, if it has one to itself, is the last of those that are due.
                before = self._watch.owed - (message.name in ENDS_WITH_READY)
                self._cut = CutAfter(before, self._backend.position)
            if self._cut is not None and self._cut.end is None and message.name in ENDS_WITH_READY:
                self._cut.end = message.start + message.size_bytes
        if self._cut is not None:
            self._await_answer()
            if self._cut.end is not None:
                self._unknown = b""
                return data[: max(0, self._cut.end - start)]
        known_bytes = max(0, len(data) - len(self._frontend.held))
        self._unknown = data[known_bytes:]
        return data[:known_bytes]

    def from_server(self, data: bytes) -> bytes:
        """Return what may still go on to the client; the connection may be cut afterwards."""
        if self._cut is None and self._inward.is_free:
            self._inward.send(data)
            for message in self._backend.feed(data):
                self._note_received(message)
            return b""
        start = self._backend.position
        for message in self._backend.feed(data):
            self._note_received(message)
            if message.name == "ReadyForQuery" and self._cut is not None:
                if not self._cut.answers_before:
                    # What came at once with it may hold answers to what was asked before.
                    if self._inward.is_free:
                        self._inward.send(data[: max(0, self._cut.answer_start - start)])
                    self._cut_off(has_answered=True)
                    return b""
                self._cut.answers_before -= 1
                self._cut.answer_start = message.start + message.size_bytes
        if self._cut is not None and not self._cut.answers_before:
            return data[: max(0, self._cut.answer_start - start)]
        return data

    def _note_received(self, message: Message) -> None:
        self._watch.received(message)
        if message.name == "EncryptionAccepted":
            self._frontend.become_opaque()

    def _await_answer(self) -> None:
        """Wait for it from now on: something that it is the answer to has just left."""
        if self._cut_timer is not None:
            self._cut_timer.cancel()
        self._cut_timer = self._loop.call_later(_ANSWER_TIMEOUT_S, self._miss_answer)

    def _miss_answer(self) -> None:
        if self._outward.is_waiting:
            self._await_answer()
        else:
            self._cut_off(has_answered=False)

    def _cut_off(self, *, has_answered: bool) -> None:
        self._forget_cut()
        self._cuts.note(has_answered=has_answered)
        self._reset()

    def give_up(self) -> None:
        """The connection ends at its commit before the answer has come."""
        if self._cut is not None:
            self._forget_cut()
            self._cuts.note(has_answered=False)

    def _forget_cut(self) -> None:
        self._cut = None
        if self._cut_timer is not None:
            self._cut_timer.cancel()
            self._cut_timer = None
