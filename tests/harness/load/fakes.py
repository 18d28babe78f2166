"""A persistence that does nothing but take its time, and a recorder that remembers the waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.domain.payments import Account
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self
    from uuid import UUID

    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.harness.load.arrivals import Arrival


class FakePersistence:
    """Every unit of work lasts as long as `serve` does, and commits nothing."""

    def __init__(self, serve: Callable[[], Awaitable[None]]) -> None:
        self._serve = serve

    def unit_of_work(self, attempt: Attempt) -> Any:
        return _FakeUnitOfWork(self._serve)

    async def close(self) -> None:
        pass


class _FakeUnitOfWork:
    def __init__(self, serve: Callable[[], Awaitable[None]]) -> None:
        self._serve = serve

    @property
    def accounts(self) -> _FakeAccounts:
        return _FakeAccounts()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def commit(self) -> None:
        await self._serve()


class _FakeAccounts:
    async def get(self, id: UUID) -> Account:
        return Account(id, version=1, balance_cents=10**12)

    async def save(self, aggregate: Account) -> None:
        pass


class WitnessRecorder(Recorder):
    """Remembers when each operation was due and when it was sent, in the order of being due."""

    __slots__ = ("seen",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.seen: list[tuple[int, int]] = []

    def record_lag(self, arrival: Arrival, started_ns: int) -> None:
        super().record_lag(arrival, started_ns)
        self.seen.append((arrival.due_ns, started_ns))


def fake_bus(serve: Callable[[], Awaitable[None]]) -> MessageBus:
    """A bus over a FakePersistence."""
    return bootstrap(FakePersistence(serve))


def charges(client: int = 0) -> CommandMix:
    """Charges of a thousand accounts."""
    return CommandMix("charge", Dataset(accounts=1000, orders=1), f"1/{client}")


def kiefer_wolfowitz(due_ns: list[int], service_ns: list[int], servers: int) -> list[int]:
    """The wait of each arrival at a queue with so many servers, first come, first served.

    Source: Kiefer and Wolfowitz, On the theory of queues with many servers (1955).
    """
    free_at_ns = [0] * servers
    waits_ns = []
    for due, service in zip(due_ns, service_ns, strict=True):
        earliest = free_at_ns.index(min(free_at_ns))
        began = max(free_at_ns[earliest], due)
        waits_ns.append(began - due)
        free_at_ns[earliest] = began + service
    return waits_ns
