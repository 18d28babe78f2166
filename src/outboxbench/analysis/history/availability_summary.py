"""Many injections in figures: distributions, and what they have in common."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from outboxbench.results.availability import Ambiguity, AvailabilitySummary, Spread
from outboxbench.results.block import OutcomeCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from outboxbench.results.availability import Injection


class EcdfPoint(NamedTuple):
    """A value, and the share of all values that are not above it."""

    value: float
    share: float


def distribution(values: Sequence[float | None]) -> tuple[EcdfPoint, ...]:
    """Return the empirical distribution of some values, a point for each that is different.

    None stands for what never came to pass: it counts among all, so that the curve ends below 1.
    """
    seen = sorted(value for value in values if value is not None)
    last_places = {value: place for place, value in enumerate(seen, 1)}
    return tuple(EcdfPoint(value, place / len(values)) for value, place in last_places.items())


def summarise(injections: Sequence[Injection]) -> AvailabilitySummary:
    """Sum up injections, of one strategy or of one fault, as the caller has chosen them."""
    pauses = [each.deliveries for each in injections if each.deliveries is not None]
    wedged = [each.wedged_clients or 0 for each in injections]
    return AvailabilitySummary(
        injections=len(injections),
        unrecovered=sum(each.recovered is False for each in injections),
        unseen=sum(each.recovered is None for each in injections),
        with_wedged_clients=sum(count > 0 for count in wedged),
        wedged_clients=sum(wedged),
        server_ready_ms=_spread(each.server_ready_ms for each in injections),
        first_ok_ms=_spread(
            (each.first_ok_ms for each in injections),
            never=sum(each.first_ok_ms is None for each in injections),
        ),
        first_ok_after_effect_ms=_spread(
            (each.first_ok_after_effect_ms for each in injections),
            never=sum(each.first_ok_after_effect_ms is None for each in injections),
        ),
        after_server_ms=_spread(
            (each.after_server_ms for each in injections),
            never=sum(
                each.server_ready_ms is not None and each.after_server_ms is None
                for each in injections
            ),
        ),
        longest_gap_ms=_spread(each.longest_gap_ms for each in injections),
        recovered_ms=_spread(
            (each.recovered_ms for each in injections),
            never=sum(each.recovered is False for each in injections),
        ),
        lost_good=_spread(each.lost_good for each in injections),
        first_delivery_ms=_spread(
            (each.first_after_effect_ms for each in pauses),
            never=sum(each.first_after_effect_ms is None for each in pauses),
        ),
        longest_delivery_gap_ms=_spread(each.longest_gap_ms for each in pauses),
        outcomes=sum((each.outcomes for each in injections), OutcomeCounts()),
        in_flight_at_onset=sum(each.in_flight_at_onset for each in injections),
        ambiguity=sum((each.ambiguity for each in injections), Ambiguity()),
    )


def _spread(values: Iterable[float | None], *, never: int = 0) -> Spread:
    measured = [value for value in values if value is not None]
    middle = median([*measured, *[float("inf")] * never]) if measured else None
    return Spread(
        measured=len(measured),
        never=never,
        median=None if middle == float("inf") else middle,
        max=max(measured, default=None),
    )
