"""Finds strategies through the entry-point group, ours and third parties' alike."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outboxbench.core.application.ports import Persistence
    from outboxbench.core.strategies.settings import StrategySettings

ENTRY_POINT_GROUP = "outboxbench.strategies"

WritePlan: TypeAlias = Literal["statements", "pipeline", "single", "group"]


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to persist: what it is made of, and how to open it.

    `open` fills the pool: when it returns, every connection stands.
    """

    name: str
    library: str
    driver: str
    write_plan: WritePlan
    open: Callable[[StrategySettings], Awaitable[Persistence]]
    needs_server: bool = True


class UnknownStrategy(LookupError):
    """No package on this machine registers a strategy of this name."""


class BrokenStrategy(Exception):
    """A strategy is registered and cannot be loaded."""


def strategy_names() -> list[str]:
    """Return the names of all registered strategies, without importing any."""
    return sorted(point.name for point in entry_points(group=ENTRY_POINT_GROUP))


def load_strategy(name: str) -> Strategy:
    """Import one strategy and the library behind it, and nothing else.

    Raises:
        UnknownStrategy: nobody registers the name.
        BrokenStrategy: it cannot be imported, or what is registered is no Strategy of that name.
    """
    points = list(entry_points(group=ENTRY_POINT_GROUP, name=name))
    if not points:
        raise UnknownStrategy(
            f"there is no strategy {name!r}; registered are {', '.join(strategy_names())}"
        )
    return _load(points[0])


def _load(point: EntryPoint) -> Strategy:
    try:
        strategy = point.load()
    except Exception as error:
        raise BrokenStrategy(f"the strategy {point.name!r} cannot be loaded: {error}") from error
    if not isinstance(strategy, Strategy) or strategy.name != point.name:
        raise BrokenStrategy(
            f"the entry point {point.name!r} in {ENTRY_POINT_GROUP} must name a Strategy "
            f"called {point.name!r}, not {strategy!r}"
        )
    return strategy
