"""Two runs of the same suite, one after the other: may they be compared, and how do they?

They did not share their rounds, so what the machine did between them looks like an effect. Where
both have a ceiling, each arm is held against its own first, which takes most of that out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.comparable import DURABILITY_SETTINGS, ceilings_of
from outboxbench.analysis.comparison import Side, compare_unpaired
from outboxbench.analysis.noise import unpaired_margin
from outboxbench.analysis.same_machine import machine_differences

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.results.comparison import Comparison, Metric
    from outboxbench.results.machine import Pinning
    from outboxbench.results.model import Arm, Run
    from outboxbench.results.noise import Noise

FEWEST_ROUNDS: Final = 5
RATE_TOLERANCE: Final = 0.05
"""Up to this share the rates that two runs offered an arm are the same load."""


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Why two runs are not to be compared.

    `fatal` are those that no wish can overcome; `serious` those that make a ratio doubtful.
    """

    fatal: tuple[str, ...]
    serious: tuple[str, ...]


def obstacles(base: Run, head: Run) -> Obstacles:
    """Say what stands between two runs."""
    fatal = []
    if base.suite != head.suite:
        fatal.append(f"they ran different suites, {base.suite} and {head.suite}")
    elif not (base.arms or head.arms):
        fatal.append("they measured no throughput and no latency, and nothing else is compared")
    elif not common_arms(base, head):
        fatal.append("they have no arm in common that both measured")
    if base.sha256 is not None and base.sha256 == head.sha256:
        fatal.append("they are the same run")
    serious = [
        f"{name} is not complete, it was interrupted"
        for name, run in (("the base", base), ("the head", head))
        if not run.complete
    ]
    serious += [
        f"the verdict of {name} is {run.verdict}"
        for name, run in (("the base", base), ("the head", head))
        if run.verdict != "pass"
    ]
    if differences := _differences(base, head):
        serious.append(f"they differ in {'; '.join(differences)}")
    fewest = min(base.rounds, head.rounds)
    if fewest < FEWEST_ROUNDS:
        serious.append(f"one of them has {fewest} rounds, and {FEWEST_ROUNDS} are the least")
    return Obstacles(tuple(fatal), tuple(serious))


def software_differences(base: Run, head: Run) -> list[str]:
    """Say what differs in the software: often the very thing to be compared."""
    one, other = base.environment, head.environment
    names = sorted(one.packages.keys() | other.packages.keys())
    changes = {
        "Python": (one.python, other.python),
        "libpq": (one.libpq, other.libpq),
        "psycopg": (one.psycopg_implementation, other.psycopg_implementation),
        **{name: (one.packages.get(name), other.packages.get(name)) for name in names},
    }
    return [
        f"{name} {old or 'none'} → {new or 'none'}"
        for name, (old, new) in changes.items()
        if old != new
    ]


def common_arms(base: Run, head: Run) -> list[tuple[Arm, Arm]]:
    """Return the strategies' arms that both runs measured, by name."""
    heads = {arm.name: arm for arm in head.arms if arm.blocks}
    return [
        (arm, heads[arm.name])
        for arm in base.arms
        if arm.role == "strategy" and arm.blocks and arm.name in heads
    ]


def compare_runs(base: Run, head: Run, noise: Noise | None) -> tuple[Comparison, ...]:
    """Compare every arm that both runs measured."""
    pairs = [
        (Side(base_arm, _control(base, base_arm)), Side(head_arm, _control(head, head_arm)))
        for base_arm, head_arm in common_arms(base, head)
    ]
    return compare_unpaired(pairs, _margins(noise))


def _margins(noise: Noise | None) -> Callable[[Metric, int], float]:
    def margin_of(metric: Metric, rounds: int) -> float:
        return unpaired_margin(None if noise is None else noise.metrics.get(metric), rounds)

    return margin_of


def _control(run: Run, arm: Arm) -> Arm | None:
    ceilings = ceilings_of(run, arm)
    same_plan = [ceiling for ceiling in ceilings if ceiling.write_plan == arm.write_plan]
    return next(iter(same_plan or ceilings), None)


def _differences(base: Run, head: Run) -> list[str]:
    differences = machine_differences(base.environment, head.environment)
    traits = {
        "PostgreSQL": (base.server.version, head.server.version),
        "window_s": (base.window_s, head.window_s),
        "warm_up_s": (base.warm_up_s, head.warm_up_s),
        "pinning": (_pinned(base.pinning), _pinned(head.pinning)),
    }
    differences += [f"{name}: {old} → {new}" for name, (old, new) in traits.items() if old != new]
    names = base.server.settings.keys() | head.server.settings.keys() | set(DURABILITY_SETTINGS)
    for name in sorted(names):
        old, new = base.server.settings.get(name), head.server.settings.get(name)
        if old != new:
            differences.append(f"{name}: {old or 'default'} → {new or 'default'}")
    return [*differences, *_setting_differences(base, head), *_rate_differences(base, head)]


def _pinned(pinning: Pinning) -> str:
    server, clients = (
        "any core" if cores is None else f"core {', '.join(map(str, cores))}"
        for cores in (pinning.server_cores, pinning.client_cores)
    )
    return f"server on {server}, clients on {clients}"


def _setting_differences(base: Run, head: Run) -> list[str]:
    """What a suite that was edited in between gives its arms, whose names do not tell."""
    changes = {
        f"{name}: {arm.settings.get(name)} → {other.settings.get(name)}": None
        for arm, other in common_arms(base, head)
        for name in sorted(arm.settings.keys() | other.settings.keys())
        if arm.settings.get(name) != other.settings.get(name)
    }
    return list(changes)


def _rate_differences(base: Run, head: Run) -> list[str]:
    """Shares of a capacity that each run measured for itself are another load in each."""
    rates = {
        arm.name: (arm.offered_per_s, other.offered_per_s)
        for arm, other in common_arms(base, head)
        if arm.offered_per_s is not None and other.offered_per_s is not None
    }
    apart = {name: max(each) / min(each) - 1 for name, each in rates.items()}
    if max(apart.values(), default=0.0) <= RATE_TOLERANCE:
        return []
    worst = max(apart, key=apart.__getitem__)
    old, new = rates[worst]
    return [f"the rate offered to {worst}: {old:.0f} → {new:.0f} per s"]
