"""A slowdown planted on purpose, to prove that the harness finds one."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import Persistence, UnitOfWork


def slowed(persistence: Persistence, busy_wait_us: float) -> Persistence:
    """Return the persistence with every attempt slower by some µs on the client's core.

    A sleep would not do: where the client's core is the limit, others work meanwhile.
    """
    return _SlowedPersistence(persistence, round(busy_wait_us * 1000))


class _SlowedPersistence:
    def __init__(self, persistence: Persistence, busy_wait_ns: int) -> None:
        self._persistence = persistence
        self._busy_wait_ns = busy_wait_ns

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        until_ns = perf_counter_ns() + self._busy_wait_ns
        while perf_counter_ns() < until_ns:
            pass
        return self._persistence.unit_of_work(attempt)

    async def close(self) -> None:
        await self._persistence.close()
