"""One connection through the fault proxy, and all that may befall it."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from outboxbench.harness.wire import relay
from outboxbench.harness.wire.commit_cutter import CommitCutter
from outboxbench.harness.wire.faulty_lane import FaultyLane, LaneHooks
from outboxbench.harness.wire.unserved import unread_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.harness.wire.commit_cut import CommitCuts
    from outboxbench.harness.wire.faulty_lane import Ending
    from outboxbench.harness.wire.shaping import Shaper


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
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_withheld = False
        self._client = client
        self._server = server
        self._conditions = conditions
        cutter = self._cutter = CommitCutter(conditions.cuts, self.reset)
        outward = LaneHooks(
            lambda data: data, cutter.to_server, self._client_ended, self._close_if_over
        )
        inward = LaneHooks(
            cutter.from_server, lambda data: data, self._server_ended, self._close_if_over
        )
        shapers = conditions.shapers
        self._outward = FaultyLane("frontend", number, client, server, shapers, outward)
        self._inward = FaultyLane("backend", number, server, client, shapers, inward)
        self._lanes = (self._outward, self._inward)
        cutter.attach(self._outward, self._inward)

    async def run(self) -> None:
        """Wait until it is over. Nothing passes before it was resumed."""
        try:
            await self.over
        finally:
            self.reset()

    @property
    def is_being_cut(self) -> bool:
        """Whether the answer to a commit is awaited, so that it can be dropped."""
        return self._cutter.is_cutting

    @property
    def held_bytes(self) -> int:
        """How much has arrived and was not passed on."""
        return (
            sum(lane.held_bytes for lane in self._lanes)
            + self._cutter.held_bytes
            + sum(unread_bytes(each) for each in (self._client, self._server))
        )

    def resume(self) -> None:
        """Begin, or go on, where it was held."""
        for lane in self._lanes:
            lane.resume()

    def hold(self) -> None:
        """Let nothing pass, and lose nothing."""
        for lane in self._lanes:
            lane.hold()

    def hurry(self) -> None:
        """Let nothing wait for a slow link any more."""
        for lane in self._lanes:
            lane.hurry()

    def forget(self) -> None:
        """Do nothing for it any more. Both ends believe that it is there."""
        self._cutter.give_up()
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
        self._cutter.give_up()
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
        is_news = not self._cutter.client_has_terminated and not self._outward.source_has_ended
        if self._conditions.withholds_ends and is_news and not self._cutter.is_cutting:
            self.is_withheld = True
            self._conditions.withheld_ends += 1
            for lane in self._lanes:
                lane.abandon()
        elif ending == "reset" or self._cutter.is_cutting:
            self.reset()
        else:
            self._inward.end()
            self._close_if_over()
