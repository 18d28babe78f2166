"""Which costs may stand in one table: those of the same workload and profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outboxbench.results.cost import CommandCost, Costs
    from outboxbench.results.document import Profile


@dataclass(frozen=True, slots=True)
class PricedAlike:
    """Commands that differ in their strategy alone, the cheapest first."""

    workload: str
    profile: Profile
    commands: tuple[CommandCost, ...]

    @property
    def title(self) -> str:
        """What the commands have in common."""
        return f"{self.workload}, {self.profile} profile"

    @property
    def is_timed(self) -> bool:
        """Whether there is a time to show."""
        return any(command.time for command in self.commands)


def priced_alike(costs: Costs) -> tuple[PricedAlike, ...]:
    """Sort commands into tables, in the order in which the document names them.

    The cheapest takes the least wall time or, untimed, the fewest round trips and bytes.
    """
    tables: dict[tuple[Profile, str], list[CommandCost]] = {}
    for command in costs.commands:
        tables.setdefault((command.profile, command.workload), []).append(command)
    return tuple(
        PricedAlike(workload, profile, tuple(sorted(commands, key=_price)))
        for (profile, workload), commands in tables.items()
    )


def _price(command: CommandCost) -> tuple[float, float, float, str]:
    counts = command.counts
    return (
        command.time.wall_us if command.time else 0.0,
        counts.round_trips,
        counts.frontend_bytes + counts.backend_bytes,
        command.strategy,
    )
