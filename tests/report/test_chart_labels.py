from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.report.charts.labels import spread_apart

positions = st.lists(st.floats(-0.5, 1.5), max_size=15).map(sorted)


@given(positions)
def test_no_label_covers_another_or_leaves_the_panel(wanted: list[float]) -> None:
    placed = spread_apart(wanted, gap=0.05, low=0.0, high=1.0)

    assert len(placed) == len(wanted)
    assert all(above - below >= 0.05 - 1e-9 for below, above in pairwise(placed))
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in placed)


def test_labels_with_room_stay_where_they_are() -> None:
    assert spread_apart([0.1, 0.5, 0.9], gap=0.1, low=0.0, high=1.0) == pytest.approx(
        [0.1, 0.5, 0.9]
    )


def test_crowded_labels_move_apart_evenly() -> None:
    assert spread_apart([0.5, 0.5], gap=0.1, low=0.0, high=1.0) == pytest.approx([0.45, 0.55])


def test_too_many_labels_share_the_room_there_is() -> None:
    assert spread_apart([0.5] * 5, gap=0.5, low=0.0, high=1.0) == pytest.approx(
        [0.0, 0.25, 0.5, 0.75, 1.0]
    )
