"""The chart of the thesis: a row for each fault, a panel for each claim, a point for each arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from tests.analysis.fault_arms import fault_arm, injection
from tests.analysis.runs import run as a_run

from outboxbench.analysis.thesis import CLAIMS
from outboxbench.report import style
from outboxbench.report.charts import thesis
from outboxbench.report.charts.frame import NoDataError
from outboxbench.results.block import OutcomeCounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from outboxbench.results.faults import FaultArm

STRATEGIES = ("asyncpg", "psycopg", "core-asyncpg", "core-psycopg", "orm-asyncpg", "orm-psycopg")


def arms(fault: str) -> tuple[FaultArm, ...]:
    return tuple(
        fault_arm(
            strategy,
            fault,
            (
                injection(
                    service_ms=1.0 + place,
                    in_flight=1 + place,
                    interrupted=place,
                    on_time=90 - place,
                    caught_up_ms=100.0 + place,
                    first_ok_after_effect_ms=50.0,
                    outcomes=OutcomeCounts(ok=100 - place, failed=place),
                ),
            ),
            busy_wait_us=busy_wait_us,
            good_of_bins=(40 - place,) * 10,
        )
        for busy_wait_us in (0.0, 500.0)
        for place, strategy in enumerate(STRATEGIES)
    )


def points_of(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if np.size(line.get_xdata()) == 1]


@pytest.fixture
def figure() -> Figure:
    return thesis.draw(a_run(faults=(*arms("reset"), *arms("server-crash"))))


def test_every_fault_has_a_panel_for_each_claim_and_a_point_for_each_arm(figure: Figure) -> None:
    assert len(figure.axes) == 2 * len(CLAIMS)
    assert [len(points_of(axes)) for axes in figure.axes] == [2 * len(STRATEGIES)] * 8
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in figure.axes)
    assert [axes.get_title(loc="left") for axes in figure.axes[:4]] == [
        "Little's law: ρ 1.00",
        "Interrupted: ρ 1.00",
        "Caught up: ρ 1.00",
        "In time: ρ 1.00",
    ]


def test_axes_begin_at_nothing_and_shares_end_at_all(figure: Figure) -> None:
    for axes in figure.axes:
        assert (axes.get_xlim()[0], axes.get_ylim()[0]) == (0, 0)
    assert figure.axes[3].get_ylim() == (0, 100)


def test_strategies_look_as_everywhere_and_slowed_ones_are_open(figure: Figure) -> None:
    drawn = points_of(figure.axes[0])
    as_they_are, slowed = drawn[: len(STRATEGIES)], drawn[len(STRATEGIES) :]
    for strategy, filled, hollow in zip(STRATEGIES, as_they_are, slowed, strict=True):
        look = style.look_of(strategy)
        assert {line.get_marker() for line in (filled, hollow)} == {look.marker}
        assert to_rgba(filled.get_markerfacecolor()) == to_rgba(look.colour)
        assert hollow.get_markerfacecolor() == "none"


def test_the_legend_names_every_strategy_once(figure: Figure) -> None:
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(STRATEGIES)


def test_where_arms_do_not_differ_there_is_nothing_to_draw() -> None:
    with pytest.raises(NoDataError, match="five arms"):
        thesis.draw(a_run(faults=(fault_arm(),)))
    with pytest.raises(NoDataError, match="five arms"):
        thesis.draw(a_run())
