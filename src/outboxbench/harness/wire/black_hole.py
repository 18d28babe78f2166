"""What a black hole has taken: connections on which nothing passes any more, and nobody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from outboxbench.harness.wire.faulty_link import FaultyLink
    from outboxbench.harness.wire.unserved import UnservedClient

    Lost: TypeAlias = FaultyLink | UnservedClient


class BlackHole:
    """Takes connections while it is open. None of them comes back when it is closed."""

    def __init__(self) -> None:
        self.is_open = False
        self._taken: list[Lost] = []
        self._forgotten: list[Lost] = []

    def take(self, lost: Lost) -> None:
        """Keep a connection, of which neither end hears anything."""
        self._taken.append(lost)

    def close(self) -> dict[str, Any]:
        """Take no more; return how many were taken, and how much they have sent."""
        evidence = {
            "connections": len(self._taken),
            "held_bytes": sum(lost.held_bytes for lost in self._taken),
        }
        self._forgotten += self._taken
        self._taken.clear()
        self.is_open = False
        return evidence

    def reset_forgotten(self) -> dict[str, Any]:
        """Reset what was taken until it was last closed; return how many that are."""
        connections = len(self._forgotten)
        for lost in self._forgotten:
            lost.reset()
        self._forgotten.clear()
        return {"connections": connections}
