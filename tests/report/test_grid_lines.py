"""Which small panels of a chart stand beside each other."""

from __future__ import annotations

import pytest

from outboxbench.report.charts.grid import lines_of


@pytest.mark.parametrize(
    ("panels", "lines"),
    [
        # The same work with several numbers of clients.
        (
            ["charge 1", "charge 4", "place 1", "place 4"],
            [["charge 1", "charge 4"], ["place 1", "place 4"]],
        ),
        # What is alone with its work has others beside it that are, too.
        (
            ["charge 1", "charge 4", "place 1", "hot 1"],
            [["charge 1", "charge 4"], ["place 1", "hot 1"]],
        ),
        (["place 1", "charge 1", "hot 1"], [["place 1", "charge 1", "hot 1"]]),
        (["charge 1", "place 1", "charge 4"], [["charge 1", "charge 4"], ["place 1"]]),
        (
            [f"charge {each}" for each in range(5)],
            [[f"charge {each}" for each in range(4)], ["charge 4"]],
        ),
        ([], []),
    ],
)
def test_panels_of_the_same_work_stand_beside_each_other(
    panels: list[str], lines: list[list[str]]
) -> None:
    assert lines_of(panels, lambda panel: panel.partition(" ")[0], lambda _: "matched") == lines


def test_what_is_alone_stands_beside_its_own_kind_only() -> None:
    lines = lines_of(["a x", "b y", "c x"], lambda panel: panel[0], lambda panel: panel[-1])

    assert lines == [["a x", "c x"], ["b y"]]
