"""A slowdown planted on purpose, to prove that the harness finds one."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import UnitOfWork, UnitsOfWork


def slowed(units: UnitsOfWork, busy_wait_us: float) -> UnitsOfWork:
    """Return units of work with every attempt slower by some µs on the client's core.

    A sleep would not do: where the client's core is the limit, others work meanwhile.
    """
    return _SlowedUnitsOfWork(units, round(busy_wait_us * 1000))


class _SlowedUnitsOfWork:
    def __init__(self, units: UnitsOfWork, busy_wait_ns: int) -> None:
        self._units = units
        self._busy_wait_ns = busy_wait_ns

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        until_ns = perf_counter_ns() + self._busy_wait_ns
        while perf_counter_ns() < until_ns:
            pass
        return self._units.unit_of_work(attempt)
