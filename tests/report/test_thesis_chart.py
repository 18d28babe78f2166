"""The chart of the thesis: a row for each fault, a panel for each claim, a point for each arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
CAUGHT_UP = 2
"""The column of that claim."""


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
            capacity_per_s=400.0 - 20 * place,
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
    for column, axes in enumerate(figure.axes):
        assert axes.get_ylim()[0] == 0
        assert axes.get_xscale() == ("log" if column % len(CLAIMS) == CAUGHT_UP else "linear")
        assert axes.get_xscale() == "log" or axes.get_xlim()[0] == 0
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


def caught_up_panel(*, headroom: float | None = 1.0, **figures: Any) -> Axes:
    """The panel of arms that differ in what is drawn beside it, and in their capacity."""
    measured = [
        arm.model_copy(
            update={
                "capacity_per_s": None if headroom is None else 200 * (1 + headroom * (1 + place)),
                "availability": arm.availability.model_copy(
                    update={
                        "injections": tuple(
                            each.model_copy(update=figures) for each in arm.availability.injections
                        )
                    }
                ),
            }
        )
        for place, arm in enumerate(arms("reset"))
    ]
    return thesis.draw(a_run(faults=tuple(measured))).axes[CAUGHT_UP]


def notes(axes: Axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


def test_headroom_is_seen_from_a_tenth_of_the_load_to_a_hundred_times_it(figure: Figure) -> None:
    axes = figure.axes[CAUGHT_UP]
    left, right = axes.get_xlim()
    assert left <= 0.1
    assert right >= 100
    assert {label.get_text() for label in axes.get_xticklabels()} >= {"0.1", "1", "10", "100"}
    (expected,) = (line for line in axes.lines if np.size(line.get_xdata()) > 1)
    headroom, caught_up_s = (np.asarray(each) for each in expected.get_data())
    np.testing.assert_allclose(caught_up_s, 0.05 * (1 + 1 / headroom))


def test_points_beyond_the_axis_widen_it() -> None:
    axes = caught_up_panel(headroom=0.01)
    assert axes.get_xlim()[0] < 0.01
    axes = caught_up_panel(headroom=20.0)
    assert axes.get_xlim()[1] > 20 * 2 * len(STRATEGIES)


def test_a_panel_in_which_nobody_waits_says_so() -> None:
    failing = caught_up_panel(caught_up_ms=0.0)
    assert failing.get_title(loc="left") == "Caught up: too few that differ"
    assert notes(failing) == "nobody waits:\nclients fail at once"
    unhurt = caught_up_panel(caught_up_ms=0.0, outcomes=OutcomeCounts(ok=100))
    assert notes(unhurt) == "nobody waits"


def test_a_panel_tells_whom_it_does_not_show() -> None:
    never, slow, *others = arms("reset")
    (first,) = never.availability.injections
    lost = first.model_copy(update={"caught_up_ms": None})
    gone = never.availability.model_copy(update={"injections": (lost,)})
    shown = (
        never.model_copy(update={"availability": gone}),
        slow.model_copy(update={"capacity_per_s": 100.0}),
        *others,
    )
    axes = thesis.draw(a_run(faults=shown)).axes[CAUGHT_UP]
    assert notes(axes) == "1 without headroom\n1 never caught up"
    assert len(points_of(axes)) == len(others)


def test_headroom_that_nobody_measured_is_not_drawn() -> None:
    axes = caught_up_panel(headroom=None)
    assert axes.get_title(loc="left") == "Caught up: capacity not measured"
    assert points_of(axes) == []


def test_the_footer_counts_injections_as_there_are_no_rounds(figure: Figure) -> None:
    told = " ".join(text.get_text() for text in figure.texts)
    assert "1 injection an arm" in told
    assert "round" not in told


def test_the_figures_tell_what_clients_can_do_at_most() -> None:
    table = thesis.data(a_run(faults=arms("reset")))
    capacity, headroom = (
        [row[table.columns.index(name)] for row in table.rows]
        for name in ("capacity, 1/s", "headroom, × the load")
    )
    assert capacity[:2] == [400.0, 380.0]
    assert headroom[:2] == pytest.approx([1.0, 0.9])
