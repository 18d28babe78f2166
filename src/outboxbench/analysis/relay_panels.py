"""Which relay arms are shown beside each other, and what tells them apart there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayArm, RelayScenario

# What arms of one panel may differ in, and how it is written.
_TOLD_APART = ("loop", "broker", "relays", "batch", "wake_up")
_OF_THE_PANEL = ("shape", "messages", "aggregates", "busy_us", "orders_per_s")


@dataclass(frozen=True, slots=True)
class RelayPanel:
    """Relay arms under the same load; `title` says which."""

    scenario: RelayScenario
    title: str
    arms: tuple[RelayArm, ...]
    settings_text: str

    def label(self, arm: RelayArm) -> str:
        """What tells an arm from the others of the panel, beside its strategy and its plan."""
        varying = [
            _written(key, _value(arm, key))
            for key in _TOLD_APART
            if len({_value(other, key) for other in self.arms}) > 1
        ]
        return " ".join((arm.strategy, arm.plan, *varying))


def relay_panels(run: Run, scenario: RelayScenario) -> tuple[RelayPanel, ...]:
    """Group the arms of a scenario by their load, the best of each group first."""
    groups: dict[tuple[JsonValue, ...], list[RelayArm]] = {}
    for arm in run.relays:
        if arm.scenario == scenario:
            groups.setdefault(_load(arm), []).append(arm)
    return tuple(
        RelayPanel(scenario, _title(arms[0]), tuple(sorted(arms, key=_rank)), _common(arms))
        for arms in groups.values()
    )


def hop_p50_us(arm: RelayArm, hop: str) -> float | None:
    """Return the median latency of a hop, where there were enough messages for one."""
    hops = arm.summary.hops if arm.summary else ()
    return next((each.latency_us.p50 for each in hops if each.hop == hop), None)


def _load(arm: RelayArm) -> tuple[JsonValue, ...]:
    return tuple(arm.settings.get(key) for key in _OF_THE_PANEL)


def _rank(arm: RelayArm) -> tuple[float, str]:
    if arm.summary is None:
        return (float("inf"), arm.name)
    if arm.scenario == "drain":
        return (-arm.summary.delivered_per_s_median, arm.name)
    p50_us = hop_p50_us(arm, "delivery")
    return (float("inf") if p50_us is None else p50_us, arm.name)


def _title(arm: RelayArm) -> str:
    settings = arm.settings
    if arm.scenario == "chain":
        return f"{settings['orders_per_s']:g} orders per second, each charged for and confirmed"
    busy_us = settings["busy_us"]
    receiver = f", a receiver that takes {busy_us:g} µs" if busy_us else ""
    return (
        f"{settings['messages']:,} messages of {settings['aggregates']:,} aggregates, "
        f"{settings['shape']}{receiver}"
    )


def _common(arms: Sequence[RelayArm]) -> str:
    """Say which settings all arms share and the title does not tell."""
    keys = [key for key in arms[0].settings if key not in _OF_THE_PANEL]
    shared = {
        key: value
        for key in ("loop", "broker", "relays", *keys)
        if len({value := _value(arm, key) for arm in arms}) == 1
    }
    return ", ".join(f"{key}={value}" for key, value in sorted(shared.items()))


def _value(arm: RelayArm, key: str) -> JsonValue:
    own: dict[str, JsonValue] = {"loop": arm.loop, "broker": arm.broker, "relays": arm.relays}
    return own[key] if key in own else arm.settings.get(key)


def _written(key: str, value: JsonValue) -> str:
    if key == "relays":
        return f"×{value}"
    return f"{value}" if key != "batch" else f"b{value}"
