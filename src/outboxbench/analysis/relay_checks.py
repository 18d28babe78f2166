"""Did everything that was committed arrive, nothing else, and each aggregate's in its order?

Pure functions over what a receiver was due and what it was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.results.block import Check

if TYPE_CHECKING:
    from uuid import UUID

    from outboxbench.results.deliveries import Chain, Deliveries


_CHAIN = "every order is charged for once and closed by the answer"


def judge_deliveries(deliveries: Deliveries) -> tuple[Check, ...]:
    """Return every check over one receiver, passed or not."""
    return (_all_delivered(deliveries), _nothing_invented(deliveries), _in_order(deliveries))


def judge_chain(chain: Chain) -> Check:
    """Return whether every order that was placed was charged once and closed by the answer."""
    faults = {
        "never answered": chain.unanswered,
        "charged more than once": chain.charged_twice,
        "never closed": chain.open,
        "closed against the answer": chain.closed_wrongly,
    }
    found = [f"{count} {fault}" for fault, count in faults.items() if count]
    if not chain.placed:
        return Check(name=_CHAIN, verdict="unknown", detail="no order was placed")
    return Check.of(
        _CHAIN,
        passed=not found,
        detail=f"of {chain.placed} orders {', '.join(found) or 'each was'}",
    )


def duplicates(deliveries: Deliveries) -> int:
    """Return how many deliveries were not the first of their message; at least once allows them."""
    return len(deliveries.received) - len(set(deliveries.received))


def inversions(deliveries: Deliveries) -> int:
    """Return how many messages first arrived after a later one of the same aggregate had."""
    latest: dict[UUID, tuple[int, int]] = {}
    found = 0
    for key in dict.fromkeys(deliveries.received):
        place = deliveries.due.get(key)
        if place is None:
            continue
        position = (place.version, place.ordinal)
        if position < latest.get(place.aggregate_id, (0, 0)):
            found += 1
        else:
            latest[place.aggregate_id] = position
    return found


def _all_delivered(deliveries: Deliveries) -> Check:
    missing = deliveries.due.keys() - set(deliveries.received)
    if not deliveries.due:
        # Where nothing was due, nothing is proved.
        return Check(
            name="every committed message is delivered",
            verdict="unknown",
            detail="no message was committed",
        )
    return Check.of(
        "every committed message is delivered",
        passed=not missing,
        detail=f"{len(missing)} of {len(deliveries.due)} were never delivered",
    )


def _nothing_invented(deliveries: Deliveries) -> Check:
    invented = set(deliveries.received) - deliveries.due.keys()
    return Check.of(
        "nothing is delivered that was not committed",
        passed=not invented,
        detail=f"{len(invented)} deliveries of messages that are not there",
    )


def _in_order(deliveries: Deliveries) -> Check:
    inverted = inversions(deliveries)
    return Check.of(
        "messages of an aggregate are delivered in its order",
        passed=not inverted,
        detail=f"{inverted} first deliveries after a later message's, "
        f"{duplicates(deliveries)} duplicates",
    )
