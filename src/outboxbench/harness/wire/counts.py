"""What went over the wire: exact counts, their differences, and what one operation took of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class WireCounts:
    """Totals over sessions. All but the first three fields leave the startup of a session out.

    `frontend` is what clients sent, `backend` what the server answered; messages are counted by
    their names in PostgreSQL's protocol. `counting` says what each of the numbers means.
    """

    sessions: int = 0
    startup_frontend_bytes: int = 0
    startup_backend_bytes: int = 0
    round_trips: int = 0
    direction_changes: int = 0
    statements: int = 0
    transactions: int = 0
    commits: int = 0
    rollbacks: int = 0
    frontend_bytes: int = 0
    backend_bytes: int = 0
    frontend_messages: Mapping[str, int] = field(default_factory=dict)
    backend_messages: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: WireCounts) -> WireCounts:
        return self._combine(other, lambda mine, others: mine + others)

    def __sub__(self, other: WireCounts) -> WireCounts:
        """Return what came between an earlier snapshot and this one."""
        return self._combine(other, lambda mine, others: mine - others)

    def per_operation(self, operations: int) -> WireCost:
        """Return the shares of one of so many like operations.

        Raises:
            ValueError: there was no operation.
        """
        if operations < 1:
            raise ValueError("the cost of an operation needs at least one operation")
        shares: dict[str, Any] = {
            each.name: _divided(getattr(self, each.name), operations) for each in fields(WireCost)
        }
        return WireCost(**shares)

    @property
    def ready_for_query(self) -> int:
        """How often the server said that it is ready for the next query."""
        return self.backend_messages.get("ReadyForQuery", 0)

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON has them."""
        return asdict(self)

    @classmethod
    def from_json(cls, counts: dict[str, Any]) -> WireCounts:
        """Read counts back."""
        return cls(**counts)

    def _combine(self, other: WireCounts, operation: Callable[[int, int], int]) -> WireCounts:
        counts: dict[str, Any] = {
            each.name: _combined(getattr(self, each.name), getattr(other, each.name), operation)
            for each in fields(self)
        }
        return WireCounts(**counts)


@dataclass(frozen=True, slots=True)
class WireCost:
    """What one operation took, on average; the fields are those of WireCounts."""

    round_trips: float
    direction_changes: float
    statements: float
    transactions: float
    commits: float
    rollbacks: float
    frontend_bytes: float
    backend_bytes: float
    frontend_messages: Mapping[str, float]
    backend_messages: Mapping[str, float]


def _combined(
    mine: int | Mapping[str, int],
    others: int | Mapping[str, int],
    operation: Callable[[int, int], int],
) -> int | Mapping[str, int]:
    if isinstance(mine, int) or isinstance(others, int):
        assert isinstance(mine, int)
        assert isinstance(others, int)
        return operation(mine, others)
    counts = {
        name: operation(mine.get(name, 0), others.get(name, 0))
        for name in sorted(mine.keys() | others.keys())
    }
    return {name: count for name, count in counts.items() if count}


def _divided(count: int | Mapping[str, int], operations: int) -> float | Mapping[str, float]:
    if isinstance(count, int):
        return count / operations
    return {name: each / operations for name, each in count.items()}
