"""How long deliveries pause after each injection."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from outboxbench.analysis.history.gaps import Gaps
from outboxbench.results.availability import DeliveryPauses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.analysis.history.outline import Outline

_NS_PER_MS = 1_000_000


class PausesOfSpans:
    """Puts each delivery into the span that it was confirmed in, in whatever order they come.

    Args:
        outline: the spans.
        took_effect_ns: when the fault of each did, or else its onset.
    """

    def __init__(self, outline: Outline, took_effect_ns: Sequence[int]) -> None:
        self._outline = outline
        self._took_effect_ns = took_effect_ns
        self._begins_ns = outline.bounds_ns[:-1]
        self._gaps = [
            Gaps(ends_ns - begins_ns) for begins_ns, ends_ns in pairwise(outline.bounds_ns)
        ]
        self._first_ns: list[int | None] = [None for _ in self._gaps]
        self._first_after_effect_ns: list[int | None] = [None for _ in self._gaps]

    def see(self, delivered_ns: int) -> None:
        """Take note of a delivery."""
        span = self._outline.span_at(delivered_ns)
        if span is None:
            return
        since_ns = delivered_ns - self._begins_ns[span]
        self._gaps[span].add(since_ns)
        keep_least(self._first_ns, span, since_ns)
        if delivered_ns >= self._took_effect_ns[span]:
            keep_least(self._first_after_effect_ns, span, since_ns)

    def of_span(self, span: int) -> DeliveryPauses:
        """Return what there is to tell of a span, once all deliveries have been seen."""
        return DeliveryPauses(
            first_ms=_ms(self._first_ns[span]),
            first_after_effect_ms=_ms(self._first_after_effect_ns[span]),
            longest_gap_ms=_ms(self._gaps[span].longest_ns()),
        )


def keep_least(of_spans: list[int | None], span: int, value: int) -> None:
    """Keep a value for a span, if it is less than what is there."""
    least = of_spans[span]
    if least is None or value < least:
        of_spans[span] = value


def _ms(duration_ns: int | None) -> float | None:
    return None if duration_ns is None else duration_ns / _NS_PER_MS
