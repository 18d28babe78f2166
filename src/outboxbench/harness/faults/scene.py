"""What faults may lay their hands on: the server, the way to it, and the processes of a block."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.faults.seat import Seat
    from outboxbench.harness.nats.server import NatsServer
    from outboxbench.harness.postgres.server import Server


class Link(Protocol):
    """The way from the clients to the server, and what can be done to it.

    Each returns, once it is done, what proves it.
    """

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have the fault proxy do something; see there for what."""
        ...


def _nothing_under_way(pid: int) -> Sequence[str]:
    del pid
    return ()


@dataclass(frozen=True, slots=True)
class Scene:
    """One block while it runs. Its database is that of the seat, which a fault may move.

    `workers` and `relays` are the pids of the processes that are there now, and
    `deliveries_under_way` names the messages that a relay, even one that is gone, has handed over
    without having heard of them. `broker` is the one that relays publish to, if it is ours.
    """

    seat: Seat
    link: Link
    workers: Sequence[int] = field(default_factory=list)
    relays: Sequence[int] = field(default_factory=list)
    deliveries_under_way: Callable[[int], Sequence[str]] = _nothing_under_way
    broker: NatsServer | None = None

    @property
    def server(self) -> Server:
        """The server that has the seat now."""
        return self.seat.server

    @property
    def address(self) -> DatabaseAddress:
        """The database, on that server, reached without the link."""
        return self.seat.address
