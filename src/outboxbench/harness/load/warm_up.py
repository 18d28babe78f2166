"""Warms every connection of a pool, so that the clock starts on prepared statements alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.forwarding import ForwardingUnitOfWork
from outboxbench.harness.load.dataset import account_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import UnitOfWork, UnitsOfWork

ROUNDS = 8
"""Past psycopg's threshold: it prepares a statement when it runs for the sixth time."""

TIMEOUT_S = 60


async def warm_up(
    units: UnitsOfWork,
    pool_size: int,
    run_each_command: Callable[[MessageBus, int], Awaitable[None]],
) -> None:
    """Run every command of the load on every connection of the pool, several times.

    Args:
        units: those of an opened strategy.
        pool_size: how many connections its pool has.
        run_each_command: runs each command once, given a bus and the number of the connection.

    Raises:
        TimeoutError: the connections never were in use all at once.
    """
    gathering = _GatheringUnitsOfWork(units, asyncio.Barrier(pool_size))
    bus = bootstrap(gathering)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            for _ in range(ROUNDS):
                async with asyncio.TaskGroup() as tasks:
                    for number in range(pool_size):
                        tasks.create_task(_run(run_each_command(bus, number)))
    except TimeoutError:
        raise TimeoutError(
            f"the pool did not have its {pool_size} connections in use at once within {TIMEOUT_S} s"
        ) from None


async def _run(work: Awaitable[None]) -> None:
    await work


class _GatheringUnitsOfWork:
    """Hands out units of work that wait for each other."""

    def __init__(self, units: UnitsOfWork, barrier: asyncio.Barrier) -> None:
        self._units = units
        self._barrier = barrier

    def unit_of_work(self, attempt: Attempt) -> _GatheringUnitOfWork:
        return _GatheringUnitOfWork(self._units.unit_of_work(attempt), self._barrier)


class _GatheringUnitOfWork(ForwardingUnitOfWork):
    """Waits, once its connection is in use, until all the others are.

    Without that a pool may serve a whole warm-up with a few of its connections.
    """

    def __init__(self, unit: UnitOfWork, barrier: asyncio.Barrier) -> None:
        super().__init__(unit)
        self._barrier = barrier

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            # Some libraries take a connection with their first statement only.
            await self.accounts.get(account_id(1))
            await self._barrier.wait()
        except BaseException as error:
            # Who fails to enter is never asked to leave, and would keep the connection.
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self
