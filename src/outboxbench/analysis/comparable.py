"""Which arms may stand in one table: same workload, profile and settings, and their ceiling."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import JsonValue

    from outboxbench.results.document import Profile
    from outboxbench.results.machine import Server
    from outboxbench.results.model import Arm, Run

DURABILITY_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
_LOAD_SETTINGS = frozenset({"rate", "network_rtt_ms", "over"})


@dataclass(frozen=True, slots=True)
class ComparableArms:
    """Arms that differ only in strategy, write plan and loop, fastest first; ceilings apart."""

    workload: str
    profile: Profile
    settings: Mapping[str, JsonValue]
    strategies: tuple[Arm, ...]
    ceilings: tuple[Arm, ...]

    @property
    def title(self) -> str:
        """What the arms have in common, without the settings."""
        parts = [self.workload, f"{self.profile} profile"]
        if "rate" in self.settings:
            parts.append(f"{self.settings['arrivals']} at {self.settings['rate']}")
        if is_over_http(self.settings):
            parts.append("over HTTP")
        if "network_rtt_ms" in self.settings:
            parts.append(f"{self.settings['network_rtt_ms']:g} ms away")
        return ", ".join(parts)

    @property
    def spoken_title(self) -> str:
        """The title with the number of clients, where tables are told of without their settings."""
        clients = self.settings.get("clients")
        if clients is None:
            return self.title
        return f"{self.title}, {clients} client{'' if clients == 1 else 's'}"

    def label(self, arm: Arm) -> str:
        """The arm's strategy, with what tells it from others of the same one in the table."""
        plans = {
            other.write_plan
            for other in (*self.ceilings, *self.strategies)
            if other.strategy == arm.strategy
        }
        name = f"{arm.strategy} {arm.write_plan}" if len(plans) > 1 else arm.strategy
        if arm.busy_wait_us:
            name += f" +{arm.busy_wait_us:.3g} µs"
        if arm.prepared_for:
            name += f", {arm.prepared_for}"
        if arm.environment:
            name += f", {arm.environment.name}"
        if arm.server:
            name += f", {arm.server}"
        return f"{name} ({arm.copy_number})" if arm.copy_number > 1 else name

    @property
    def settings_text(self) -> str:
        """The settings as `name=value` in a fixed order."""
        return settings_text(self.settings)


def is_over_http(settings: Mapping[str, JsonValue]) -> bool:
    """Whether arms of these settings are behind a service, and their clients Locust's users."""
    return settings.get("over") == "http"


def settings_text(settings: Mapping[str, JsonValue]) -> str:
    """Settings as `name=value` in a fixed order."""
    return ", ".join(f"{name}={_plain(settings[name])}" for name in sorted(settings))


def comparable_arms(run: Run) -> tuple[ComparableArms, ...]:
    """Sort a run's arms into tables, in the order in which the run names them.

    A ceiling has no pool and no loop, so it stands with every table of its workload and profile
    whose settings do not contradict its own; with none, it has a table to itself.
    """
    strategies: dict[tuple[str, str, str], list[Arm]] = {}
    for arm in run.arms:
        if arm.role == "strategy":
            key = (arm.workload, arm.profile, json.dumps(arm.settings, sort_keys=True))
            strategies.setdefault(key, []).append(arm)
    ceilings = [arm for arm in run.arms if arm.role == "ceiling"]
    tables = [
        _table(arms[0], arms, (ceiling for ceiling in ceilings if _limits(ceiling, arms[0])))
        for arms in strategies.values()
    ]
    shown = {ceiling.name for table in tables for ceiling in table.ceilings}
    alone = [_table(ceiling, (), (ceiling,)) for ceiling in ceilings if ceiling.name not in shown]
    return (*tables, *alone)


def ceilings_of(run: Run, arm: Arm) -> tuple[Arm, ...]:
    """The ceilings of a run that an arm may be held against, whatever their write plan."""
    return tuple(
        ceiling
        for ceiling in run.arms
        if ceiling.role == "ceiling" and ceiling.blocks and _limits(ceiling, arm)
    )


def changed_durability(server: Server) -> tuple[str, ...]:
    """The server's settings that make a commit more or less durable than usual, `name=value`.

    They belong beside every figure: a commit that need not reach the disk is another measurement.
    """
    return tuple(
        f"{name}={server.settings[name]}"
        for name in DURABILITY_SETTINGS
        if server.settings.get(name, "on") != "on"
    )


def _table(example: Arm, strategies: Iterable[Arm], ceilings: Iterable[Arm]) -> ComparableArms:
    return ComparableArms(
        workload=example.workload,
        profile=example.profile,
        settings=example.settings,
        strategies=_fastest_first(strategies),
        ceilings=_fastest_first(ceilings),
    )


def _limits(ceiling: Arm, arm: Arm) -> bool:
    # What a ceiling lacks of these, the arm may not have: an open loop has no ceiling.
    shared = ceiling.settings.keys() & arm.settings.keys() | _LOAD_SETTINGS
    return (
        ceiling.workload == arm.workload
        and ceiling.profile == arm.profile
        and ceiling.server == arm.server
        and all(ceiling.settings.get(name) == arm.settings.get(name) for name in shared)
    )


def _fastest_first(arms: Iterable[Arm]) -> tuple[Arm, ...]:
    """By throughput; in an open loop, where that is the rate offered to all, by latency."""

    def slowness(arm: Arm) -> float:
        if arm.summary is None:
            return math.inf
        if arm.offered_per_s is None:
            return -arm.summary.ok_per_s_median
        return arm.summary.latency_us.p50 or math.inf

    return tuple(sorted(arms, key=lambda arm: (slowness(arm), arm.name)))


def _plain(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)
