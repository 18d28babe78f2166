from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from outboxbench.analysis.history.availability_summary import distribution, summarise
from outboxbench.results.availability import Ambiguity, DeliveryPauses, Injection, Spread
from outboxbench.results.block import OutcomeCounts

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = Spread(measured=0)


def injection(
    first_ok_ms: float | None,
    recovered_ms: float | None = None,
    *,
    recovered: bool | None = None,
    wedged_clients: int | None = None,
    server_ready_ms: float | None = None,
    after_server_ms: float | None = None,
) -> Injection:
    return Injection(
        number=1,
        fault="crash",
        onset_ms=0,
        span_ms=1_000,
        first_ok_ms=first_ok_ms,
        first_ok_after_effect_ms=first_ok_ms,
        recovered=recovered,
        recovered_ms=recovered_ms,
        outcomes=OutcomeCounts(ok=3, failed=1),
        in_flight_at_onset=2,
        in_flight_outcomes=OutcomeCounts(failed=2),
        ambiguity=Ambiguity(indeterminate=2, committed=1, twice_if_repeated=1, recovered=1),
        wedged_clients=wedged_clients,
        server_ready_ms=server_ready_ms,
        after_server_ms=after_server_ms,
    )


def test_a_distribution_has_a_point_for_each_value_and_ends_below_one_if_some_never_came() -> None:
    assert distribution([3.0, 1.0, None, 3.0]) == ((1.0, 0.25), (3.0, 0.75))
    assert distribution([None]) == ()
    assert distribution([]) == ()


@given(st.lists(st.floats(0, 1e6) | st.none()))
def test_a_distribution_tells_the_share_of_values_not_above(values: Sequence[float | None]) -> None:
    points = distribution(values)
    assert [point.value for point in points] == sorted({v for v in values if v is not None})
    for value, share in points:
        not_above = sum(v is not None and v <= value for v in values)
        assert share == not_above / len(values)


def test_what_never_came_counts_as_longer_than_all_others() -> None:
    summary = summarise([injection(5), injection(7), injection(None)])
    assert summary.first_ok_ms == Spread(measured=2, never=1, median=7, max=7)
    summary = summarise([injection(5), injection(None)])
    assert summary.first_ok_ms == Spread(measured=1, never=1, median=None, max=5)
    summary = summarise([injection(None)])
    assert summary.first_ok_ms == Spread(measured=0, never=1)


def test_what_cannot_be_told_is_no_failure_to_recover() -> None:
    summary = summarise(
        [injection(1, 100, recovered=True), injection(1, recovered=False), injection(1)]
    )
    assert (summary.injections, summary.unrecovered, summary.unseen) == (3, 1, 1)
    assert summary.recovered_ms == Spread(measured=1, never=1, median=None, max=100)


def test_a_server_that_nobody_asked_says_nothing_of_the_clients() -> None:
    summary = summarise(
        [
            injection(9, server_ready_ms=5, after_server_ms=4),
            injection(9, server_ready_ms=5, after_server_ms=6),
            injection(None, server_ready_ms=5),
            injection(9),
        ]
    )
    assert summary.after_server_ms == Spread(measured=2, never=1, median=6, max=6)


def test_counts_are_added_up() -> None:
    summary = summarise([injection(1, wedged_clients=2), injection(1, wedged_clients=0)])
    assert summary.outcomes == OutcomeCounts(ok=6, failed=2)
    assert summary.in_flight_at_onset == 4
    assert summary.ambiguity == Ambiguity(
        indeterminate=4, committed=2, twice_if_repeated=2, recovered=2
    )
    assert (summary.with_wedged_clients, summary.wedged_clients) == (1, 2)


def test_of_no_injections_there_is_nothing_to_say() -> None:
    summary = summarise([])
    assert (summary.injections, summary.unrecovered) == (0, 0)
    assert summary.longest_gap_ms == summary.lost_good == NOTHING


def test_pauses_of_deliveries_are_summed_up_over_injections_that_had_relays() -> None:
    assert summarise([injection(1.0)]).first_delivery_ms == NOTHING
    pauses = [
        DeliveryPauses(first_ms=1, first_after_effect_ms=4, longest_gap_ms=5),
        DeliveryPauses(longest_gap_ms=900),
        DeliveryPauses(first_ms=2, first_after_effect_ms=2, longest_gap_ms=3),
    ]
    summary = summarise(
        [injection(1.0).model_copy(update={"deliveries": each}) for each in (*pauses, None)]
    )
    assert summary.first_delivery_ms == Spread(measured=2, never=1, median=4, max=4)
    assert summary.longest_delivery_gap_ms == Spread(measured=3, median=5, max=900)
