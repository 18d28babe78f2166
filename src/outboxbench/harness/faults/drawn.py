"""Faults in turns: each injection of a block is of another kind, in an order that is drawn.

Every kind comes once before any comes again, so that a short block meets as many as it can and a
long one all of them equally often.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from outboxbench.harness.faults.fault import HURTS_OTHERS, FaultKind
from outboxbench.results.faults import DRAWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.harness.faults.fault import Reach
    from outboxbench.harness.postgres.standby import Replication


@dataclass(frozen=True, slots=True)
class DrawnKinds:
    """Several kinds of faults that come in turns, all on one server without a standby."""

    kinds: tuple[FaultKind, ...]

    @property
    def name(self) -> str:
        """What stands for all of them."""
        return DRAWN

    @property
    def reach(self) -> Reach:
        """What those touch that touch the most."""
        reaches = [kind.reach for kind in self.kinds]
        return next((reach for reach in reaches if reach in HURTS_OTHERS), reaches[0])

    @property
    def replication(self) -> Replication | None:
        """None: a server that is replaced takes with it what other faults have a hold on."""
        return None

    @property
    def needs_volume(self) -> bool:
        """Whether one of them has to have the database on a small volume of its own."""
        return any(kind.needs_volume for kind in self.kinds)

    @property
    def takes_all_slots(self) -> bool:
        """Whether the server may have few connections: no, what other faults hold up takes many."""
        return False

    def may_lose_commits(self, *, are_flushed: bool) -> bool:
        """Tell whether acknowledged commits may be lost, where they are flushed first or not."""
        return any(kind.may_lose_commits(are_flushed=are_flushed) for kind in self.kinds)


Kinds: TypeAlias = FaultKind | DrawnKinds
"""What the injections of a block are of."""


def in_turns(kinds: Kinds, seed: str) -> Iterator[FaultKind]:
    """Yield the kind of each injection, without end; the same for the same seed."""
    random = Random(f"{seed}/kinds")  # noqa: S311 - an order, no secret
    while True:
        yield from random.sample(kinds.kinds, len(kinds.kinds))
