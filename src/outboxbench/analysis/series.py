"""Arms that differ in one setting alone, the rate or the network: what a curve is drawn of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.analysis.knee import Point
from outboxbench.analysis.verdict import combine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from outboxbench.results.block import Block
    from outboxbench.results.document import Loop, Profile, Verdict
    from outboxbench.results.model import Arm, Run

FEWEST_RATES = 3


@dataclass(frozen=True, slots=True)
class Series:
    """Arms of one strategy on one event loop, in ascending order of the setting."""

    strategy: str
    loop: Loop
    arms: tuple[Arm, ...]

    @property
    def verdict(self) -> Verdict:
        """That of all its arms together."""
        return combine(arm.verdict for arm in self.arms)


@dataclass(frozen=True, slots=True)
class Panel:
    """Series that share everything else: what may stand in one picture."""

    workload: str
    profile: Profile
    settings: Mapping[str, JsonValue]
    series: tuple[Series, ...]

    @property
    def title(self) -> str:
        """What the series have in common, without the settings."""
        return f"{self.workload}, {self.profile} profile"


def rate_panels(run: Run) -> tuple[Panel, ...]:
    """The sweeps of a run: series of at least three rates, slowest first."""
    return tuple(_panels(run, "rate", FEWEST_RATES))


def network_panels(run: Run) -> tuple[Panel, ...]:
    """Series of at least two distances in closed loops, nearest first."""
    return tuple(
        panel for panel in _panels(run, "network_rtt_ms", 2) if "rate" not in panel.settings
    )


def distance_ms(arm: Arm) -> float:
    """What was added to every round trip of an arm of a network panel."""
    distance = arm.settings["network_rtt_ms"]
    assert isinstance(distance, int | float)
    return float(distance)


def curve(series: Series) -> tuple[Point, ...]:
    """A sweep as points whose latency is the 99th percentile, where the samples carry one."""
    return tuple(
        Point(
            offered_per_s=arm.offered_per_s,
            ok_per_s=arm.offered_per_s * _served_share(arm.blocks),
            latency_us=arm.summary.latency_us.p99,
            skipped_share=arm.summary.outcomes.skipped / max(arm.summary.outcomes.attempted, 1),
        )
        for arm in series.arms
        if arm.summary is not None and arm.offered_per_s is not None
    )


def _served_share(blocks: Sequence[Block]) -> float:
    """What was done in time of what was due: by chance, more or less is due than the rate says."""
    due = sum(block.outcomes.attempted for block in blocks)
    done = sum(block.ok_per_s * block.seconds for block in blocks)
    return done / due if due else 0.0


def _panels(run: Run, setting: str, fewest: int) -> Iterator[Panel]:
    found: dict[tuple[str, Profile, str], dict[tuple[str, Loop], list[Arm]]] = {}
    for arm in run.arms:
        if setting not in arm.settings or arm.loop is None or arm.summary is None:
            continue
        others = {name: value for name, value in arm.settings.items() if name != setting}
        key = (arm.workload, arm.profile, json.dumps(others, sort_keys=True))
        found.setdefault(key, {}).setdefault((arm.strategy, arm.loop), []).append(arm)
    for (workload, profile, settings), members in found.items():
        series = tuple(
            Series(strategy, loop, tuple(sorted(arms, key=_place)))
            for (strategy, loop), arms in members.items()
            if len(arms) >= fewest
        )
        if series:
            yield Panel(workload, profile, json.loads(settings), series)


def _place(arm: Arm) -> float:
    if arm.offered_per_s is not None:
        return arm.offered_per_s
    return distance_ms(arm)
