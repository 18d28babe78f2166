"""A closed loop for clients that take what is due: something is, whenever one of them is free."""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING

from outboxbench.harness.load.arrivals import Arrival

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self


class AskingAgain:
    """Stands where `Arrivals` do, and is spoken to like them. Nothing ever waits for a client."""

    def __init__(self) -> None:
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Let nothing more become due."""
        self._is_over = True

    def abandon(self) -> Sequence[Arrival]:
        """Return what is due and nobody has taken: there is no such thing."""
        return ()

    async def take(self) -> Arrival | None:
        """Return an operation that is due now; None when it is over."""
        if self._is_over:
            return None
        now_ns = monotonic_ns()
        return Arrival(now_ns, now_ns)
