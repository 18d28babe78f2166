"""What a fault is: something that takes effect, provably, and is healed, in any case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from outboxbench.harness.faults.scene import Scene
    from outboxbench.harness.postgres.standby import Replication

Evidence: TypeAlias = "Mapping[str, Any]"
"""What proves that a fault took effect: the pids that are gone, the bytes that were held, the line
in the server's log. Empty where nothing proves it. Values are what JSON knows."""

Reach: TypeAlias = Literal["connections", "server", "clients", "relays", "broker"]
"""What a fault touches: connections of our own alone; the server, and so everybody on it; processes
of ours."""

Loses: TypeAlias = Literal["nothing", "what is not on disk", "what is not on the standby"]
"""Which of the commits that were acknowledged a fault may undo."""

HURTS_OTHERS: Final = frozenset[Reach]({"server"})
"""What must not happen to a server that is not ours."""


class Fault(Protocol):
    """One injection. It is made anew for each, and may draw from a `Random` of its own."""

    def inject(self) -> Evidence:
        """Let it happen, and return once it has taken effect, with what proves it so far.

        Raises:
            CannotRun: it cannot be made to happen here.
        """
        ...

    def heal(self) -> Evidence:
        """Undo it, and return once it is undone, with what proves it only now.

        Also called where `inject` failed half-way, and where it was healed before.
        """
        ...


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault as a suite knows it.

    `lasts` tells whether it goes on until it is healed; one that does not is over at once.
    `depends_on_strategy` tells whether each strategy may take it in another way. `replication` is
    that of the standby which it needs, if it needs one. `needs_volume` tells whether the database
    has to be on a small volume of its own, and `needs_snapshots` whether it has a hold only on
    transactions that keep a snapshot, at repeatable read and above. `takes_all_slots` tells whether
    it takes every connection of the server, which a server of its own then has few of.
    """

    name: str
    description: str
    reach: Reach
    lasts: bool
    depends_on_strategy: bool
    make: Callable[[Scene, Random], Fault]
    replication: Replication | None = None
    loses: Loses = "nothing"
    needs_volume: bool = False
    needs_snapshots: bool = False
    takes_all_slots: bool = False

    @property
    def kinds(self) -> tuple[FaultKind, ...]:
        """What an injection may be of: this."""
        return (self,)

    def may_lose_commits(self, *, are_flushed: bool) -> bool:
        """Tell whether acknowledged commits may be lost, where they are flushed first or not."""
        return self.loses == "what is not on the standby" or (
            self.loses == "what is not on disk" and not are_flushed
        )
