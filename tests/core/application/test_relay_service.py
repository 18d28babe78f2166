"""The relay with what keeps it awake and its tables small, in virtual time: bounds are exact."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.harness.load.virtual_time import run_in_virtual_time

from outboxbench.core.application.bootstrap import bootstrap, bootstrap_delivery
from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.outcome import Attempt, FailureKind, PersistenceError
from outboxbench.core.application.relay_service import FAR_POLL_S, Housekeeping, RelayService
from outboxbench.core.application.relay_settings import OUTAGE, RelaySettings
from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.core.domain.payments import OpenAccount
from outboxbench.core.strategies.memory.outbox import MemoryOutbox
from outboxbench.core.strategies.memory.persistence import MemoryPersistence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from tests.harness.load.virtual_time import VirtualTimeLoop

    from outboxbench.core.application.outbox import OutboxMessage

POLL_S = 60.0
LOOK_S = 0.01
"""How far a test moves the clock when it looks again: any bound is far from it."""

PATIENCE_S = 2 * 3600.0
"""Of the clock that jumps: what has not happened by then never will."""


class ObservedOutbox(MemoryOutbox):
    """Knows when it was tidied, by how much, and what was undelivered when it was closed."""

    def __init__(self, world: World) -> None:
        super().__init__(world.memory.tables, lease_s=10.0, removes=False)
        self.tidied: list[tuple[float, int]] = []
        self.undelivered_at_close: list[int] = []
        self.failing_tidies = 0
        self._world = world

    async def tidy(self, keep_s: float, limit: int) -> int:
        if self.failing_tidies:
            self.failing_tidies -= 1
            raise PersistenceError("the server is gone", FailureKind.CONNECTION)
        removed = await super().tidy(keep_s, limit)
        self.tidied.append((asyncio.get_running_loop().time(), removed))
        return removed

    async def close(self) -> None:
        self.undelivered_at_close.append(self._world.undelivered)


class World:
    """A memory in which accounts are opened, and how a service delivers what that tells."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self.memory = MemoryPersistence()
        self.broker = MemoryBroker()
        self.outbox = ObservedOutbox(self)
        self.said: list[str] = []
        self._loop = loop
        self._bus = bootstrap(self.memory)

    def service(
        self,
        *,
        listen: Callable[[Callable[[], None]], Awaitable[None]] | None = None,
        doorbell: Doorbell | None = None,
        housekeeping: Housekeeping | None = None,
    ) -> RelayService:
        return RelayService(
            self.outbox,
            bootstrap_delivery(self.memory, self.outbox, self.broker, concurrency=4),
            RelaySettings(poll_s=POLL_S),
            listen=listen,
            doorbell=doorbell,
            housekeeping=housekeeping,
            observe=self.said.append,
        )

    async def open_accounts(self, count: int = 1) -> None:
        for _ in range(count):
            await self._bus.handle(OpenAccount(account_id=uuid4()), Attempt(uuid4()))

    async def delivery_s(self) -> float:
        """Open an account, and return how long it takes until that is delivered."""
        began_s = self._loop.time()
        await self.open_accounts()
        await self.all_is_delivered()
        return self._loop.time() - began_s

    async def all_is_delivered(self) -> None:
        while self.undelivered:  # noqa: ASYNC110 - of a state that rings for nobody
            await asyncio.sleep(LOOK_S)

    @property
    def undelivered(self) -> int:
        return sum(len(each) for each in self.memory.tables.undelivered().values())


class StumblingListener:
    """Listens to a memory once it has failed so many times, and knows when it was asked to."""

    def __init__(self, memory: MemoryPersistence, failures: int) -> None:
        self.asked_s: list[float] = []
        self._memory = memory
        self._failures = failures

    async def listen(self, ring: Callable[[], None]) -> None:
        self.asked_s.append(asyncio.get_running_loop().time())
        if len(self.asked_s) <= self._failures:
            raise PersistenceError("the server is gone", FailureKind.CONNECTION)
        await self._memory.listen(ring)


class SlowBroker(MemoryBroker):
    """Takes a minute for every message."""

    async def publish(self, message: OutboxMessage) -> None:
        await asyncio.sleep(60)
        await super().publish(message)


@asynccontextmanager
async def running(service: RelayService) -> AsyncIterator[asyncio.Task[None]]:
    """Run a service, and stop it at the end."""
    async with asyncio.timeout(PATIENCE_S):
        task = asyncio.create_task(service.run())
        try:
            yield task
        finally:
            service.stop()
            await task


def longest_pauses_s() -> Iterator[float]:
    """Yield how long an outage may be waited out, the first time and after that."""
    failures = 0
    while True:
        failures += 1
        yield min(OUTAGE.longest_s, OUTAGE.first_s * 2 ** (failures - 1))


def test_a_commit_rings_and_is_delivered_long_before_the_relay_would_look_by_itself() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        async with running(world.service(listen=world.memory.listen)):
            await asyncio.sleep(20 * POLL_S)
            for _ in range(3):
                assert await world.delivery_s() < FAR_POLL_S / 10

    run_in_virtual_time(work)


def test_a_ring_by_somebody_else_who_knows_of_commits_wakes_the_relay_as_well() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world, doorbell = World(loop), Doorbell()
        async with running(world.service(doorbell=doorbell)):
            await asyncio.sleep(20 * POLL_S)
            await world.open_accounts()
            doorbell.ring()
            await asyncio.sleep(FAR_POLL_S / 10)
            assert world.undelivered == 0

    run_in_virtual_time(work)


def test_a_commit_whose_ring_is_lost_is_found_when_the_relay_looks_by_itself() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        async with running(world.service(doorbell=Doorbell())):
            await asyncio.sleep(20 * POLL_S)
            assert FAR_POLL_S < await world.delivery_s() <= POLL_S + LOOK_S

    run_in_virtual_time(work)


def test_where_commits_ring_the_relay_does_not_look_all_the_time_after_a_find() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        async with running(world.service(doorbell=Doorbell())):
            await world.delivery_s()
            await asyncio.sleep(FAR_POLL_S / 10)
            assert await world.delivery_s() > FAR_POLL_S / 2

    run_in_virtual_time(work)


def test_where_nothing_can_ring_the_relay_looks_again_soon_after_it_has_found_something() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        async with running(world.service()):
            await world.delivery_s()
            for _ in range(10):
                assert await world.delivery_s() < FAR_POLL_S / 10

    run_in_virtual_time(work)


def test_listening_that_fails_is_tried_again_ever_later_until_commits_ring() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        listener = StumblingListener(world.memory, failures=12)
        async with running(world.service(listen=listener.listen)):
            await asyncio.sleep(20 * POLL_S)
            assert len(listener.asked_s) == 13
            assert await world.delivery_s() < FAR_POLL_S / 10
        asked_s = listener.asked_s
        pauses_s = [later - earlier for earlier, later in pairwise(asked_s)]
        for pause_s, longest_s in zip(pauses_s, longest_pauses_s(), strict=False):
            assert longest_s / 2 <= round(pause_s, 6) <= longest_s
        assert world.said == ["commits do not ring for a while: the server is gone"] * 12

    run_in_virtual_time(work)


def test_while_listening_fails_the_relay_looks_by_itself() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        listener = StumblingListener(world.memory, failures=10**9)
        async with running(world.service(listen=listener.listen)):
            for _ in range(3):
                assert await world.delivery_s() <= POLL_S + LOOK_S
            asked = len(listener.asked_s)
            await asyncio.sleep(POLL_S)
            assert len(listener.asked_s) > asked

    run_in_virtual_time(work)


def test_what_was_settled_is_removed_in_small_batches_until_one_is_not_full() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        housekeeping = Housekeeping(keep_s=0, interval_s=100, batch=3)
        service = world.service(listen=world.memory.listen, housekeeping=housekeeping)
        async with running(service):
            await world.open_accounts(7)
            await asyncio.sleep(250)
            assert world.outbox.tidied == [(100, 3), (100, 3), (100, 1), (200, 0)]
            assert world.memory.tables.messages == []

    run_in_virtual_time(work)


def test_after_a_full_last_batch_housekeeping_looks_once_more() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        housekeeping = Housekeeping(keep_s=0, interval_s=100, batch=3)
        service = world.service(listen=world.memory.listen, housekeeping=housekeeping)
        async with running(service):
            await world.open_accounts(6)
            await asyncio.sleep(150)
            assert world.outbox.tidied == [(100, 3), (100, 3), (100, 0)]

    run_in_virtual_time(work)


def test_what_is_to_be_kept_or_is_not_delivered_is_not_removed() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        world.broker = SlowBroker()
        housekeeping = Housekeeping(keep_s=0, interval_s=30)
        service = world.service(listen=world.memory.listen, housekeeping=housekeeping)
        async with running(service):
            await world.open_accounts()
            await asyncio.sleep(50)
            assert (world.outbox.tidied, world.undelivered) == ([(30, 0)], 1)
        kept = World(loop)
        housekeeping = Housekeeping(keep_s=3600, interval_s=30)
        service = kept.service(listen=kept.memory.listen, housekeeping=housekeeping)
        async with running(service):
            await kept.open_accounts()
            await asyncio.sleep(50)
            assert (kept.undelivered, [removed for _, removed in kept.outbox.tidied]) == (0, [0])

    run_in_virtual_time(work)


def test_housekeeping_that_fails_is_tried_again_at_its_next_turn_and_nothing_else_stops() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        world.outbox.failing_tidies = 2
        housekeeping = Housekeeping(keep_s=0, interval_s=100)
        service = world.service(listen=world.memory.listen, housekeeping=housekeeping)
        async with running(service):
            await asyncio.sleep(250)
            assert world.said == ["nothing is tidied away for a while: the server is gone"] * 2
            assert await world.delivery_s() < FAR_POLL_S
            await asyncio.sleep(100)
            assert world.outbox.tidied == [(300, 1)]

    run_in_virtual_time(work)


def test_without_housekeeping_everything_is_left() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        async with running(world.service(listen=world.memory.listen)):
            await world.open_accounts(3)
            await asyncio.sleep(3600)
        assert (len(world.memory.tables.messages), world.outbox.tidied) == (3, [])

    run_in_virtual_time(work)


def test_stopping_settles_what_is_on_its_way_then_closes_the_outbox_and_leaves_no_task() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        world.broker = SlowBroker()
        service = world.service(listen=world.memory.listen, housekeeping=Housekeeping())
        before = asyncio.all_tasks()
        async with running(service) as task:
            await asyncio.sleep(1)
            await world.open_accounts(2)
            await asyncio.sleep(1)
            service.stop()
            await world.open_accounts()
            await asyncio.sleep(1)
            assert (task.done(), world.outbox.undelivered_at_close) == (False, [])
        # What is committed after it was stopped is for another relay.
        assert (len(world.broker.published), world.outbox.undelivered_at_close) == (2, [1])
        assert world.memory.tables.listeners == []
        assert asyncio.all_tasks() == before

    run_in_virtual_time(work)


def test_a_service_that_waits_for_something_to_do_stops_at_once() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        world = World(loop)
        listener = StumblingListener(world.memory, failures=10**9)
        service = world.service(listen=listener.listen, housekeeping=Housekeeping())
        async with running(service):
            await asyncio.sleep(20 * POLL_S)
            stopped_s = loop.time()
        assert loop.time() - stopped_s < LOOK_S
        assert world.outbox.undelivered_at_close == [0]

    run_in_virtual_time(work)
