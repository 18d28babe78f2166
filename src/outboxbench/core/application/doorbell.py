"""Wakes a relay that waits for messages, so that it need not look all the time."""

from __future__ import annotations

import asyncio


class Doorbell:
    """Rings for one who waits; a ring that comes before the wait is not missed."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """There may be something to do."""
        self._rung.set()

    def silence(self) -> None:
        """Whoever looks from now on sees what was rung for so far."""
        self._rung.clear()

    async def wait(self, at_most_s: float | None = None) -> None:
        """Wait for a ring, or for so long if that is not None."""
        if self._rung.is_set():
            return
        try:
            async with asyncio.timeout(at_most_s):
                await self._rung.wait()
        except TimeoutError:
            return
