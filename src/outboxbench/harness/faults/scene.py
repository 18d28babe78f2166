"""What faults may lay their hands on: the server, the way to it, and the processes of a block."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.server import Server


class Link(Protocol):
    """The way from the clients to the server, and what can be done to it.

    Each returns, once it is done, what proves it.
    """

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have the fault proxy do something; see there for what."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """One block while it runs. `address` is its database, reached without the link.

    `workers` and `relays` are the pids of the processes that are there now.
    """

    server: Server
    address: DatabaseAddress
    link: Link
    workers: Sequence[int] = field(default_factory=list)
    relays: Sequence[int] = field(default_factory=list)
