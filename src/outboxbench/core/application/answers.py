"""Answers that are awaited, and a limit on how long: where nothing passes between client and server
any more, neither the server's timeouts nor TCP tell the client, and it would wait for ever.

A timer for each statement costs a twentieth to an eighth of a client's time. Here one timer looks
at all connections of a pool now and then, and all that a statement costs is to note when it left.
"""

from __future__ import annotations

from asyncio import get_running_loop
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

LOOKS: Final = 8
"""How often a limit is looked after while it lasts: it is kept to this part of its length."""


class Awaited:
    """What one connection, or one message on its way, awaits, and how to give it up.

    `looks` counts how often a watch has looked since the latest request: whoever asks sets it to 0,
    and to None once there is an answer. A method for it would cost ten times as much.
    """

    __slots__ = ("__weakref__", "give_up", "looks")

    def __init__(self, give_up: Callable[[], object]) -> None:
        self.give_up = give_up
        self.looks: int | None = None


class AnswerWatch:
    """Gives up connections that have waited for an answer for longer than a limit.

    It looks only as long as there are connections. Time is counted in looks: a process that stood
    still has not looked meanwhile, and finds the answers that have come.

    Args:
        limit_s: no answer takes longer; one that does is given up within an eighth of it.
    """

    def __init__(self, limit_s: float) -> None:
        self._every_s = limit_s / LOOKS
        self._awaited: WeakSet[Awaited] = WeakSet()
        self._is_looking = False

    def awaited(self, give_up: Callable[[], object]) -> Awaited:
        """Return what notes the requests of a connection or a message; who owns it is watched."""
        awaited = Awaited(give_up)
        self._awaited.add(awaited)
        if not self._is_looking:
            self._is_looking = True
            get_running_loop().call_later(self._every_s, self._look)
        return awaited

    def _look(self) -> None:
        self._is_looking = bool(self._awaited)
        if not self._is_looking:
            return
        get_running_loop().call_later(self._every_s, self._look)
        for awaited in list(self._awaited):
            if awaited.looks is None:
                continue
            awaited.looks += 1
            if awaited.looks > LOOKS:
                awaited.looks = None
                awaited.give_up()


NOBODY: Final = Awaited(lambda: None)
"""For units of work that await no answer on a connection of their own."""
