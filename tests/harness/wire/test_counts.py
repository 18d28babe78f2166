"""Counts can be added, subtracted, shared out and sent as JSON."""

from __future__ import annotations

import json

import pytest

from outboxbench.harness.wire.counts import WireCounts

BEFORE = WireCounts(
    sessions=1,
    startup_frontend_bytes=100,
    round_trips=4,
    frontend_bytes=40,
    frontend_messages={"Query": 4},
    backend_messages={"ReadyForQuery": 4},
)
AFTER = WireCounts(
    sessions=1,
    startup_frontend_bytes=100,
    round_trips=14,
    direction_changes=10,
    statements=12,
    commits=2,
    frontend_bytes=540,
    backend_bytes=70,
    frontend_messages={"Query": 4, "Sync": 10},
    backend_messages={"ReadyForQuery": 14},
)


def test_the_difference_is_what_came_in_between() -> None:
    between = AFTER - BEFORE

    assert between.sessions == 0
    assert between.startup_frontend_bytes == 0
    assert between.round_trips == 10
    assert between.frontend_messages == {"Sync": 10}
    assert between + BEFORE == AFTER


def test_an_operation_has_its_share_of_all_but_the_startup() -> None:
    cost = (AFTER - BEFORE).per_operation(4)

    assert cost.round_trips == 2.5
    assert cost.commits == 0.5
    assert cost.frontend_bytes == 125
    assert cost.frontend_messages == {"Sync": 2.5}
    assert not hasattr(cost, "sessions")


def test_no_operation_has_no_share() -> None:
    with pytest.raises(ValueError, match="at least one operation"):
        AFTER.per_operation(0)


def test_counts_survive_json() -> None:
    assert WireCounts.from_json(json.loads(json.dumps(AFTER.to_json()))) == AFTER
