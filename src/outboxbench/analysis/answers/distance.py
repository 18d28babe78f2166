"""Whether the ranking holds when the server is further away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.measured import REFERENCE_WORKLOAD, distrusted
from outboxbench.analysis.answers.words import listed
from outboxbench.analysis.comparable import settings_text
from outboxbench.analysis.crossings import crossings
from outboxbench.analysis.series import network_panels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.analysis.series import Panel
    from outboxbench.results.model import Run

DISTANCE: Final = "Does the ranking change across a network?"


def across_a_network(run: Run) -> Iterator[Answer]:
    """Name who overtakes whom on one event loop, and between which distances."""
    panels = sorted(network_panels(run), key=_place)
    if not panels:
        return
    panel, out = panels[0], distrusted(run)
    loops = [series.loop for series in panel.series]
    loop = max(set(loops), key=lambda each: (loops.count(each), each))
    found = [
        each
        for each in crossings(panel)
        if each.overtaken.loop == each.overtaking.loop == loop
        and not {each.overtaken.strategy, each.overtaking.strategy} & out
    ]
    found.sort(key=lambda each: (each.near_ms, each.overtaking.strategy, each.overtaken.strategy))
    parts = [
        f"{each.overtaking.strategy} overtakes {each.overtaken.strategy} between "
        f"{each.near_ms:g} and {each.far_ms:g} ms a round trip"
        for each in found
    ]
    yield Answer(
        DISTANCE,
        f"Yes: {listed(parts, most=3)}."
        if parts
        else f"No change of order can be told {_span(panel)}.",
        f"{panel.title}, {loop}, {_span(panel)}; ok/s, and only where the 95% intervals on both "
        "sides exclude a tie",
    )


def _place(panel: Panel) -> tuple[object, ...]:
    return (
        panel.workload != REFERENCE_WORKLOAD,
        panel.workload,
        panel.profile != "matched",
        -len(panel.series),
        settings_text(panel.settings),
    )


def _span(panel: Panel) -> str:
    distances = sorted(
        {
            distance
            for series in panel.series
            for arm in series.arms
            if isinstance(distance := arm.settings["network_rtt_ms"], int | float)
        }
    )
    return f"from {distances[0]:g} to {distances[-1]:g} ms a round trip"
