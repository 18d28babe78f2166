"""Whether the ranking holds when the server is further away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.measured import distrusted
from outboxbench.analysis.answers.words import listed
from outboxbench.analysis.crossings import crossings
from outboxbench.analysis.series import network_panels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.analysis.series import Panel
    from outboxbench.results.model import Run

DISTANCE: Final = "Does the ranking change across a network?"


def across_a_network(run: Run) -> Iterator[Answer]:
    """Name who overtakes whom, and between which distances."""
    out = distrusted(run)
    for panel in network_panels(run)[:1]:
        found = [
            each
            for each in crossings(panel)
            if not {each.overtaken.strategy, each.overtaking.strategy} & out
        ]
        found.sort(
            key=lambda each: (each.near_ms, each.overtaking.strategy, each.overtaken.strategy)
        )
        parts = [
            f"{each.overtaking.strategy} overtakes {each.overtaken.strategy} between "
            f"{each.near_ms:g} and {each.far_ms:g} ms a round trip"
            for each in found
        ]
        sentence = (
            f"Yes: {listed(parts, most=3)}."
            if parts
            else f"No change of order can be told {_span(panel)}."
        )
        yield Answer(
            DISTANCE,
            sentence,
            f"{panel.title}, {_span(panel)}; ok/s, and only where the 95% intervals on both sides "
            "exclude a tie",
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
