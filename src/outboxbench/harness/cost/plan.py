"""Which commands are to be priced: every combination of strategy, profile and workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, get_args

from outboxbench.core.strategies.registry import strategy_names
from outboxbench.core.strategies.settings import Profile
from outboxbench.harness.errors import BadInput
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.strategies import load_measurable, load_registered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment

COUNTED_OPERATIONS = 100
"""Fixed, so that figures which operations share, such as blocks, can be compared."""

DEFAULT_TIMED_OPERATIONS = 200
TIMED_ROUNDS = 3
"""Each command is timed so often, with all others in between: who disturbs one round, such as
another tenant of the machine, seldom disturbs the same command again."""

DEFAULT_WORKLOADS = ("charge", "place", "amend")
PROFILES: tuple[Profile, ...] = ("matched", "idiomatic")

T = TypeVar("T", bound=str)


@dataclass(frozen=True, slots=True)
class PlannedCommand:
    """One command of one strategy in one profile."""

    strategy: Strategy
    profile: Profile
    workload: str

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return f"{self.strategy.name} {self.workload} ({self.profile})"


@dataclass(frozen=True, slots=True)
class CostPlan:
    """What is asked for.

    `timed_operations` are those of a round, None if counting is enough; `environment` is where
    workers run, that of the harness if None.
    """

    strategies: tuple[Strategy, ...]
    workloads: tuple[str, ...] = DEFAULT_WORKLOADS
    profiles: tuple[Profile, ...] = PROFILES
    counted_operations: int = COUNTED_OPERATIONS
    timed_operations: int | None = DEFAULT_TIMED_OPERATIONS
    environment: WorkerEnvironment | None = None

    def commands_of(self, strategy: Strategy) -> list[PlannedCommand]:
        """Return the commands that one worker measures."""
        return [
            PlannedCommand(strategy, profile, workload)
            for profile in self.profiles
            for workload in self.workloads
        ]

    @property
    def steps(self) -> int:
        """How many commands there are, each as often as it is counted or timed."""
        passes = 1 if self.timed_operations is None else 1 + TIMED_ROUNDS
        return passes * len(self.strategies) * len(self.profiles) * len(self.workloads)


def chosen_strategies(only: Iterable[str] | None) -> tuple[Strategy, ...]:
    """Load the strategies that are named, or all that need a server.

    Raises:
        BadInput: one is unknown, or needs no server.
        CannotRun: one is registered but cannot be loaded here.
    """
    if only is None:
        loaded = (load_registered(name) for name in strategy_names())
        return tuple(strategy for strategy in loaded if strategy.needs_server)
    return tuple(load_measurable(name) for name in sorted(set(only)))


def chosen_workloads(names: Iterable[str] | None) -> tuple[str, ...]:
    """Return the workloads that are named, or the usual ones.

    Raises:
        BadInput: one is unknown.
    """
    return _known("workload", names, tuple(CommandMix.SHARES), DEFAULT_WORKLOADS)


def chosen_profiles(names: Iterable[str] | None) -> tuple[Profile, ...]:
    """Return the profiles that are named, or both.

    Raises:
        BadInput: one is unknown.
    """
    return _known("profile", names, get_args(Profile), PROFILES)


def _known(
    what: str, names: Iterable[str] | None, known: tuple[T, ...], default: tuple[T, ...]
) -> tuple[T, ...]:
    if names is None:
        return default
    asked = set(names)
    if unknown := sorted(asked - set(known)):
        raise BadInput(
            f"there is no {what} {', '.join(unknown)}: "
            f"--{what} takes some of {', '.join(sorted(known))}"
        )
    return tuple(name for name in known if name in asked)
