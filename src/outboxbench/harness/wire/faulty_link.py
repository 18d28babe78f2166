"""One connection through the fault proxy, and all that may befall it.

Its messages are followed throughout, not only while cuts are armed: nobody who begins to look in
the midst of a stream knows where a message begins, or what a statement that was prepared before is.
Where nothing is to be cut they are looked at after they were passed on, while the other side works.
Otherwise the client's are looked at before they leave, and wait until they show what they are, so
that a cut is exact; and the server's when they arrive, so that an answer is known to be there.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from outboxbench.harness.wire import relay
from outboxbench.harness.wire.commit_cut import CutAfter
from outboxbench.harness.wire.commit_watch import (
    ENDS_WITH_READY,
    WATCHED_HEAD_BYTES,
    CommitWatch,
)
from outboxbench.harness.wire.faulty_lane import FaultyLane, LaneHooks
from outboxbench.harness.wire.protocol import FrontendParser
from outboxbench.harness.wire.ready_parser import ReadyParser
from outboxbench.harness.wire.session import ENCRYPTION_REQUESTS
from outboxbench.harness.wire.unserved import unread_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.harness.wire.commit_cut import CommitCuts
    from outboxbench.harness.wire.faulty_lane import Ending
    from outboxbench.harness.wire.protocol import Message
    from outboxbench.harness.wire.shaping import Shaper

_ANSWER_TIMEOUT_S: Final = 1.0


class Conditions:
    """What holds for all connections, and what it did to them."""

    def __init__(self, cuts: CommitCuts) -> None:
        self.cuts = cuts
        self.shapers: list[Shaper] = []
        self.withholds_ends = False
        self.withheld_ends = 0


class FaultyLink:
    """Owns two connected, non-blocking sockets, and closes them when it is over."""

    def __init__(
        self, number: int, client: socket.socket, server: socket.socket, conditions: Conditions
    ) -> None:
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = loop.create_future()
        self.is_withheld = False
        self._loop = loop
        self._client = client
        self._server = server
        self._conditions = conditions
        self._cuts = conditions.cuts
        self._is_held = True
        self._watch = CommitWatch()
        self._frontend = FrontendParser(WATCHED_HEAD_BYTES)
        self._backend = ReadyParser()
        self._unknown = b""
        self._cut: CutAfter | None = None
        self._cut_timer: asyncio.TimerHandle | None = None
        outward = LaneHooks(
            lambda data: data, self._to_server, self._client_ended, self._close_if_over
        )
        inward = LaneHooks(
            self._from_server, lambda data: data, self._server_ended, self._close_if_over
        )
        shapers = conditions.shapers
        self._outward = FaultyLane("frontend", number, client, server, shapers, outward)
        self._inward = FaultyLane("backend", number, server, client, shapers, inward)
        self._lanes = (self._outward, self._inward)

    async def run(self) -> None:
        """Wait until it is over. Nothing passes before it was resumed."""
        try:
            await self.over
        finally:
            self.reset()

    @property
    def is_being_cut(self) -> bool:
        """Whether the answer to a commit is awaited, so that it can be dropped."""
        return self._cut is not None

    @property
    def held_bytes(self) -> int:
        """How much has arrived and was not passed on."""
        return (
            sum(lane.held_bytes for lane in self._lanes)
            + len(self._unknown)
            + sum(unread_bytes(each) for each in (self._client, self._server))
        )

    def resume(self) -> None:
        """Begin, or go on, where it was held."""
        self._is_held = False
        for lane in self._lanes:
            lane.resume()

    def hold(self) -> None:
        """Let nothing pass, and lose nothing."""
        self._is_held = True
        for lane in self._lanes:
            lane.hold()

    def hurry(self) -> None:
        """Let nothing wait for a slow link any more."""
        for lane in self._lanes:
            lane.hurry()

    def forget(self) -> None:
        """Do nothing for it any more. Both ends believe that it is there."""
        self._is_held = True
        self._give_up_cut()
        for lane in self._lanes:
            lane.abandon()

    def reset(self) -> None:
        """Reset both ends, if that was not done before."""
        self._close(relay.reset)

    def release(self) -> None:
        """Tell the client of an end that was withheld."""
        self._close(socket.socket.close)

    def _close_if_over(self) -> None:
        if all(lane.is_over for lane in self._lanes):
            has_ended_well = all(lane.has_ended_well for lane in self._lanes)
            self._close(socket.socket.close if has_ended_well else relay.reset)

    def _close(self, close: Callable[[socket.socket], None]) -> None:
        self._give_up_cut()
        # What is still under way finds its lane over.
        for lane in self._lanes:
            lane.abandon()
        if not self.over.done():
            self.over.set_result(None)
        for each in (self._client, self._server):
            if each.fileno() >= 0:
                close(each)

    def _client_ended(self, ending: Ending) -> None:
        if ending == "reset":
            # What the other side still has to say reaches nobody.
            self.reset()
        else:
            self._outward.end()
            self._close_if_over()

    def _server_ended(self, ending: Ending) -> None:
        is_news = not self._watch.has_terminated and not self._outward.source_has_ended
        if self._conditions.withholds_ends and is_news and self._cut is None:
            self.is_withheld = True
            self._conditions.withheld_ends += 1
            for lane in self._lanes:
                lane.abandon()
        elif ending == "reset" or self._cut is not None:
            self.reset()
        else:
            self._inward.end()
            self._close_if_over()

    def _to_server(self, data: bytes) -> bytes:
        """Return what may leave for the server now; the connection may be cut afterwards."""
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

    def _from_server(self, data: bytes) -> bytes:
        """Return what may go on to the client; the connection may be cut afterwards."""
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
        if self._is_held or self._outward.has_unsent:
            self._await_answer()
        else:
            self._cut_off(has_answered=False)

    def _cut_off(self, *, has_answered: bool) -> None:
        self._forget_cut()
        self._cuts.note(has_answered=has_answered)
        self.reset()

    def _give_up_cut(self) -> None:
        """The connection ends at its commit before the answer has come."""
        if self._cut is not None:
            self._forget_cut()
            self._cuts.note(has_answered=False)

    def _forget_cut(self) -> None:
        self._cut = None
        if self._cut_timer is not None:
            self._cut_timer.cancel()
            self._cut_timer = None
