"""What a receiver was given, judged by what it was due."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.analysis.relay_checks import (
    duplicates,
    inversions,
    judge_chain,
    judge_deliveries,
)
from outboxbench.results.deliveries import Chain, Deliveries, Place

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from outboxbench.results.deliveries import MessageKey

DELIVERED = "every committed message is delivered"
COMMITTED = "nothing is delivered that was not committed"
ORDERED = "messages of an aggregate are delivered in its order"

AN_ORDER, ANOTHER = UUID(int=1), UUID(int=2)
PLACED, REQUESTED, CONFIRMED = (UUID(int=10), 0), (UUID(int=10), 1), (UUID(int=11), 0)
ELSEWHERE = (UUID(int=12), 0)
NEVER_COMMITTED = (UUID(int=99), 0)
DUE = {
    PLACED: Place(AN_ORDER, 1, 0),
    REQUESTED: Place(AN_ORDER, 1, 1),
    CONFIRMED: Place(AN_ORDER, 2, 0),
    ELSEWHERE: Place(ANOTHER, 1, 0),
}


@st.composite
def histories(draw: st.DrawFn) -> dict[MessageKey, Place]:
    """Some aggregates, each with some versions of one or more messages; in the order of commits."""
    due: dict[MessageKey, Place] = {}
    for aggregate in range(draw(st.integers(1, 4))):
        sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
        for version, size in enumerate(sizes, start=1):
            op_id = UUID(int=len(due) + 1_000)
            for ordinal in range(size):
                due[op_id, ordinal] = Place(UUID(int=aggregate), version, ordinal)
    return due


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[dict[MessageKey, Place], list[MessageKey]]:
    """A history, and an arrival of it that is in the order of each aggregate."""
    due = draw(histories())
    waiting: dict[UUID, list[MessageKey]] = {}
    for key, place in due.items():
        waiting.setdefault(place.aggregate_id, []).append(key)
    turns = draw(st.permutations([place.aggregate_id for place in due.values()]))
    return due, [waiting[aggregate].pop(0) for aggregate in turns]


def verdicts(due: Mapping[MessageKey, Place], received: Sequence[MessageKey]) -> dict[str, str]:
    return {check.name: check.verdict for check in judge_deliveries(Deliveries(due, received))}


def details(received: Sequence[MessageKey]) -> dict[str, str]:
    return {check.name: check.detail for check in judge_deliveries(Deliveries(DUE, received))}


@given(arrivals(), st.data())
def test_whatever_arrives_in_the_order_of_each_aggregate_passes_duplicates_and_all(
    arrival: tuple[dict[MessageKey, Place], list[MessageKey]], data: st.DataObject
) -> None:
    due, received = arrival
    repeated = data.draw(st.lists(st.sampled_from(received)))
    for key in repeated:
        # A message can come again at any time after it came first.
        first = received.index(key)
        received.insert(data.draw(st.integers(first + 1, len(received))), key)

    assert set(verdicts(due, received).values()) == {"pass"}
    assert duplicates(Deliveries(due, received)) == len(repeated)


@given(arrivals(), st.data())
def test_a_single_message_that_is_missing_is_found(
    arrival: tuple[dict[MessageKey, Place], list[MessageKey]], data: st.DataObject
) -> None:
    due, received = arrival
    lost = data.draw(st.sampled_from(received))
    received.remove(lost)

    assert verdicts(due, received) == {DELIVERED: "fail", COMMITTED: "pass", ORDERED: "pass"}


@given(arrivals(), st.data())
def test_a_single_message_too_many_is_found(
    arrival: tuple[dict[MessageKey, Place], list[MessageKey]], data: st.DataObject
) -> None:
    due, received = arrival
    received.insert(data.draw(st.integers(0, len(received))), NEVER_COMMITTED)

    assert verdicts(due, received) == {DELIVERED: "pass", COMMITTED: "fail", ORDERED: "pass"}


@given(histories(), st.randoms(use_true_random=False))
def test_an_arrival_is_in_order_exactly_if_each_aggregates_is_sorted(
    due: dict[MessageKey, Place], shuffled: random.Random
) -> None:
    received = list(due)
    shuffled.shuffle(received)
    seen: dict[UUID, list[tuple[int, int]]] = {}
    for key in received:
        seen.setdefault(due[key].aggregate_id, []).append((due[key].version, due[key].ordinal))
    is_sorted = all(places == sorted(places) for places in seen.values())

    assert verdicts(due, received)[ORDERED] == ("pass" if is_sorted else "fail")


@given(histories(), st.randoms(use_true_random=False))
def test_an_inversion_is_a_message_that_came_first_after_a_later_one(
    due: dict[MessageKey, Place], shuffled: random.Random
) -> None:
    received = shuffled.choices(list(due), k=2 * len(due))
    firsts = [due[key] for key in dict.fromkeys(received)]
    naive = sum(
        any(
            earlier.aggregate_id == place.aggregate_id
            and (earlier.version, earlier.ordinal) > (place.version, place.ordinal)
            for earlier in firsts[:number]
        )
        for number, place in enumerate(firsts)
    )

    assert inversions(Deliveries(due, received)) == naive


def test_what_arrived_is_counted() -> None:
    assert details([PLACED, ELSEWHERE, PLACED, NEVER_COMMITTED]) == {
        DELIVERED: "2 of 4 were never delivered",
        COMMITTED: "1 deliveries of messages that are not there",
        ORDERED: "0 first deliveries after a later message's, 1 duplicates",
    }


@pytest.mark.parametrize(
    ("received", "inverted"),
    [
        pytest.param([PLACED, REQUESTED, CONFIRMED], 0, id="as committed"),
        pytest.param([REQUESTED, PLACED, CONFIRMED], 1, id="ordinals swapped"),
        pytest.param([CONFIRMED, PLACED, REQUESTED], 2, id="the last one first"),
        pytest.param([PLACED, CONFIRMED, REQUESTED], 1, id="one left behind"),
        pytest.param([PLACED, REQUESTED, CONFIRMED, PLACED, REQUESTED], 0, id="all over again"),
        pytest.param([PLACED, PLACED, REQUESTED, PLACED, CONFIRMED], 0, id="one again and again"),
        pytest.param([PLACED, CONFIRMED, REQUESTED, CONFIRMED], 1, id="mended too late"),
    ],
)
def test_order_is_judged_on_first_deliveries(received: list[MessageKey], inverted: int) -> None:
    assert inversions(Deliveries(DUE, received)) == inverted
    assert verdicts(DUE, received)[ORDERED] == ("fail" if inverted else "pass")


def test_aggregates_have_no_order_among_each_other() -> None:
    for received in ([ELSEWHERE, PLACED], [PLACED, ELSEWHERE]):
        assert inversions(Deliveries(DUE, received)) == 0


def test_a_message_that_was_not_committed_has_no_place_in_any_order() -> None:
    received = [CONFIRMED, NEVER_COMMITTED]
    assert inversions(Deliveries(DUE, received)) == 0
    assert verdicts(DUE, received)[ORDERED] == "pass"


def test_where_nothing_was_due_nothing_is_proved() -> None:
    assert verdicts({}, [])[DELIVERED] == "unknown"


ALL_WELL = Chain(placed=5, unanswered=0, charged_twice=0, open=0, closed_wrongly=0)
FAULTS = {
    "unanswered": "never answered",
    "charged_twice": "charged more than once",
    "open": "never closed",
    "closed_wrongly": "closed against the answer",
}


def test_a_chain_passes_if_every_order_was_charged_once_and_closed() -> None:
    check = judge_chain(ALL_WELL)
    assert (check.verdict, check.detail) == ("pass", "of 5 orders each was")


@given(
    st.integers(1, 50), st.dictionaries(st.sampled_from(sorted(FAULTS)), st.integers(1), min_size=1)
)
def test_every_fault_of_a_chain_is_named_and_counted(placed: int, found: dict[str, int]) -> None:
    none = dict.fromkeys(FAULTS, 0)
    check = judge_chain(Chain(placed=placed, **{**none, **found}))
    assert check.verdict == "fail"
    for field, words in FAULTS.items():
        assert (words in check.detail) == (field in found)
        if field in found:
            assert f"{found[field]} {words}" in check.detail


def test_without_orders_a_chain_proves_nothing() -> None:
    nothing = Chain(placed=0, unanswered=0, charged_twice=0, open=0, closed_wrongly=0)
    assert judge_chain(nothing).verdict == "unknown"
