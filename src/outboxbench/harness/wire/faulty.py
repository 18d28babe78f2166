"""A proxy that injects network faults, on request.

A request is what JSON knows: `do`, and what that takes besides. Its answer is what proves it.

- `reset` resets both ends of every connection. → `connections`
- `black-hole`: nothing passes, and nothing is said about it. Connections that are there, or are
  made meanwhile, are forgotten for good. → on heal: `connections`, `held_bytes`
- `forget` resets what was forgotten, if no black hole is there. → `connections`
- `stall`: nothing passes until it is healed, and then everything does. → on heal: `held_bytes`
- `latency` (`delay_ms`, `jitter_ms`, `seed`) delays every chunk by half of the delay, and by a
  random part of half of the jitter. → on heal: `chunks`, `delayed_ms_mean`
- `bandwidth` (`bytes_per_s`), in each direction over all connections. → on heal: `passed_bytes`,
  `waited_s`
- `slow-close`: the client does not hear that the server has ended its connection, until it is
  healed. → on heal: `withheld_ends`
- `commit-cut` (`when`: before or after, `count`) resets connections at their next commit. →
  `armed`; to `count`, and on heal: `cut`, `answers_dropped`
- `point` (`host`, `port`): new connections go there, the others are reset. → `connections`
- `refuse`: new connections are refused until the next `point`, as where a host is up and its server
  is not; the others are reset. → `connections`
- `heal` ends all that lasts. Nothing is left to be healed by a second one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from outboxbench.harness.wire import relay
from outboxbench.harness.wire.black_hole import BlackHole
from outboxbench.harness.wire.commit_cut import CommitCuts
from outboxbench.harness.wire.faulty_link import Conditions, FaultyLink
from outboxbench.harness.wire.listener import Listener, connect_to
from outboxbench.harness.wire.shaping import Bandwidth, Latency
from outboxbench.harness.wire.unserved import UnservedClient, unread_bytes

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from outboxbench.harness.wire.shaping import Shaper

_TURNS_TO_BE_SERVED: Final = 3
"""How often the event loop turns, at most, until one that was accepted is served."""


class FaultyProxy(Listener):
    """Joins each client to the server, or does what was asked for instead."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        # None while it refuses.
        self._target: tuple[str, int] | None = (host, port)
        self._conditions = Conditions(CommitCuts())
        self._made = 0
        self._links: set[FaultyLink] = set()
        self._hole = BlackHole()
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self._waiting: set[socket.socket] = set()

    async def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what is asked for; return what proves it so far.

        Raises:
            ValueError: nothing is known by that name.
        """
        match dict(request):
            case {"do": "reset"}:
                return self._reset()
            case {"do": "black-hole"}:
                self._open_hole()
            case {"do": "forget"}:
                return self._hole.reset_forgotten()
            case {"do": "stall"}:
                self._stall()
            case {"do": "latency", "delay_ms": delay_ms, "jitter_ms": jitter_ms, "seed": seed}:
                self._shape(Latency(delay_ms, jitter_ms, seed))
            case {"do": "bandwidth", "bytes_per_s": bytes_per_s}:
                self._shape(Bandwidth(bytes_per_s))
            case {"do": "slow-close"}:
                self._conditions.withholds_ends = True
            case {"do": "commit-cut", "when": "before" | "after" as when, "count": count}:
                self._conditions.cuts.arm(when, count)
                return {"armed": count}
            case {"do": "count"}:
                return self._conditions.cuts.evidence()
            case {"do": "point", "host": host, "port": port}:
                self._target = (host, port)
                self._listen_again()
                return self._reset()
            case {"do": "refuse"}:
                self._target = None
                await self._refuse()
                return self._reset()
            case {"do": "heal"}:
                return await self._heal()
            case _:
                raise ValueError(f"{request} is no request to the fault proxy")
        return {}

    async def _serve_client(self, client: socket.socket) -> None:
        try:
            await self._wait_to_go_on(client)
            if self._hole.is_open:
                await self._lose(client)
                return
            target = self._target
            if target is None:
                raise ConnectionRefusedError
            server = await connect_to(*target)
        except OSError:
            # The client cannot be refused any more: a reset is the next best thing.
            await self._wait_to_go_on(client)
            if self._hole.is_open:
                await self._lose(client)
            else:
                relay.reset(client)
            return
        except BaseException:
            relay.reset(client)
            raise
        if target != self._target and not self._hole.is_open:
            # It is as present as those that were reset meanwhile.
            relay.reset(client)
            relay.reset(server)
            return
        await self._join(client, server)

    async def _wait_to_go_on(self, client: socket.socket) -> None:
        self._waiting.add(client)
        try:
            await self._goes_on.wait()
        finally:
            self._waiting.remove(client)

    async def _join(self, client: socket.socket, server: socket.socket) -> None:
        self._made += 1
        link = FaultyLink(self._made, client, server, self._conditions)
        if self._hole.is_open:
            self._hole.take(link)
        else:
            self._links.add(link)
            if self._goes_on.is_set():
                link.resume()
        try:
            await link.run()
        finally:
            self._links.discard(link)

    async def _lose(self, client: socket.socket) -> None:
        unserved = UnservedClient(client)
        self._hole.take(unserved)
        await unserved.run()

    def _reset(self) -> dict[str, Any]:
        present = self._present()
        for link in present:
            link.reset()
        return {"connections": len(present)}

    def _present(self) -> list[FaultyLink]:
        # One that has just ended is still in the set until its task has its turn.
        return [link for link in self._links if not link.over.done()]

    def _open_hole(self) -> None:
        self._hole.is_open = True
        for link in self._present():
            link.forget()
            self._links.remove(link)
            self._hole.take(link)

    def _stall(self) -> None:
        self._goes_on.clear()
        for link in self._present():
            link.hold()

    def _shape(self, shaper: Shaper) -> None:
        # The list is the one that all lanes look at.
        self._conditions.shapers[:] = [
            *(each for each in self._conditions.shapers if type(each) is not type(shaper)),
            shaper,
        ]

    async def _heal(self) -> dict[str, Any]:
        evidence: dict[str, Any] = {}
        if not self._goes_on.is_set():
            evidence["held_bytes"] = await self._go_on()
        if self._hole.is_open:
            # It takes all that a stall has held, and counts it.
            await self._serve_who_waits()
            evidence |= self._hole.close()
        if self._conditions.shapers:
            evidence |= self._stop_shaping()
        if self._conditions.withholds_ends:
            evidence |= self._tell_ends()
        if self._conditions.cuts.is_armed:
            evidence |= await self._stop_cutting()
        return evidence

    async def _serve_who_waits(self) -> None:
        """Let what is on now befall all who have connected, even if they were not served yet."""
        self._accept_waiting()
        for _ in range(_TURNS_TO_BE_SERVED):
            await asyncio.sleep(0)

    async def _go_on(self) -> int:
        """Return how many bytes have waited for it."""
        await self._serve_who_waits()
        held_bytes = sum(link.held_bytes for link in self._present() if not link.is_withheld)
        held_bytes += sum(unread_bytes(client) for client in self._waiting)
        self._goes_on.set()
        for link in self._present():
            link.resume()
        return held_bytes

    def _stop_shaping(self) -> dict[str, Any]:
        for link in self._present():
            link.hurry()
        evidence: dict[str, Any] = {}
        for shaper in self._conditions.shapers:
            evidence |= shaper.evidence()
        self._conditions.shapers.clear()
        # A lane that had read its fill of a slow link goes on only now.
        for link in self._present():
            link.resume()
        return evidence

    def _tell_ends(self) -> dict[str, Any]:
        withheld_ends = self._conditions.withheld_ends
        self._conditions.withholds_ends = False
        self._conditions.withheld_ends = 0
        for link in self._present():
            if link.is_withheld:
                link.release()
        return {"withheld_ends": withheld_ends}

    async def _stop_cutting(self) -> dict[str, Any]:
        self._conditions.cuts.disarm()
        if being_cut := [link.over for link in self._present() if link.is_being_cut]:
            await asyncio.wait(being_cut)
        return self._conditions.cuts.evidence()
