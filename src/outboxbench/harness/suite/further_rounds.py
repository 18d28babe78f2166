"""How many rounds are added where the planned ones leave a question open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class FurtherRounds(Protocol):
    """Decides after each look at what was measured how much more there is to come."""

    def after(self, rounds: int, looks: int, round_s: float) -> int:
        """Return how many rounds to add; 0 ends the run.

        Args:
            rounds: measured so far.
            looks: how often what was measured has been looked at, this time included.
            round_s: how long another round of the arms in question takes, in seconds.
        """
        ...


@dataclass(frozen=True, slots=True)
class Once:
    """Adds the same number once, and then leaves it at that."""

    rounds: int

    def after(self, rounds: int, looks: int, round_s: float) -> int:  # noqa: ARG002
        """Return the rounds after the first look, and none later."""
        return self.rounds if looks == 1 else 0


@dataclass(frozen=True, slots=True)
class WithinBudget:
    """Doubles the rounds as often as there is time for at least half of that.

    `seconds_left` tells how long there is still to measure.
    """

    seconds_left: Callable[[], float]

    def after(self, rounds: int, looks: int, round_s: float) -> int:  # noqa: ARG002
        """Return as many rounds as there were, or as many as there is time for."""
        room = int(self.seconds_left() / round_s) if round_s else rounds
        return min(rounds, room) if 2 * room >= rounds else 0
