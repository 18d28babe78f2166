"""What a relay went through second by second, and whether what it leaves behind is bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import mean
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import RelayPlan

Scenario: TypeAlias = Literal["kept", "tidied", "held"]
"""Delivered rows stay; or are removed after a while; or are, while somebody keeps a snapshot."""

MOST_GROWTH = 0.25
"""From one third of a run to the next. Where nothing is ever removed, it is two thirds."""

LEAST_SHARE = 0.25
"""Of all messages, in the last third: with fewer, sizes that stay as they are say nothing."""


@dataclass
class Series:
    """One relay in one scenario, one value a second. Sizes are in bytes, messages counted so far.

    A second in which nothing was claimed has no claim time.
    """

    plan: RelayPlan
    scenario: Scenario
    claim_ms: list[float | None] = field(default_factory=list)
    dead_rows: list[int] = field(default_factory=list)
    table_bytes: list[int] = field(default_factory=list)
    index_bytes: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    delivered: list[int] = field(default_factory=list)

    @property
    def delivered_last(self) -> int:
        """Messages that were delivered in the last third."""
        return self.delivered[-1] - self.delivered[2 * (len(self.delivered) // 3) - 1]

    @property
    def growth(self) -> float:
        """How much larger tables and indexes are in the last third than in the one before.

        A share, of averages, between which a third of all messages came through. A single moment
        would tell more of vacuum, which comes when it comes and at times gives back pages at the
        end of a table, than of growth.
        """
        third = len(self.table_bytes) // 3
        sizes = [sum(each) for each in zip(self.table_bytes, self.index_bytes, strict=True)]
        return mean(sizes[2 * third :]) / mean(sizes[third : 2 * third]) - 1


@dataclass(frozen=True, slots=True)
class Bound:
    """Whether sizes are bounded, and what says so."""

    holds: bool
    reason: str


def judge(tidied: Series, kept: Series | None) -> Bound:
    """Tell whether the sizes of a relay that is tidied up after stay what they are.

    `kept` is the same without housekeeping, where it was measured. It has to grow: else the load
    would be too small to tell anything.
    """
    grew = f"{tidied.growth:+.0%} with the last {tidied.delivered_last:,} messages"
    if kept is not None:
        grew += f" (kept {kept.growth:+.0%})"
    if tidied.growth > MOST_GROWTH:
        return Bound(holds=False, reason=f"NOT bounded, {grew}")
    if tidied.delivered_last < LEAST_SHARE * tidied.delivered[-1] or not tidied.delivered_last:
        return Bound(holds=False, reason=f"NOT shown, too few came: {grew}")
    if kept is not None and kept.growth <= MOST_GROWTH:
        return Bound(holds=False, reason=f"NOT shown, kept grows no more: {grew}")
    return Bound(holds=True, reason=f"bounded, {grew}")
