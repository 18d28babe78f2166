from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from tests.report.seen import overlaps

from outboxbench.report.charts.log_ticks import label_log_axis, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def beside_each_other(low: float, high: float, length_in: float, **options: float) -> Figure:
    """Two panels with the gap of small multiples between them, whose x axes are labelled."""
    figure = Figure(figsize=(2 * length_in + 1, 2))
    for left_in in (0.4, 0.6 + length_in):
        axes = figure.add_axes(
            (left_in / figure.get_figwidth(), 0.3, length_in / figure.get_figwidth(), 0.5)
        )
        axes.set_yticks([])
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        label_log_axis(axes.xaxis, (low, high), length_in=length_in, **options)
    return figure


def labels(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


@settings(deadline=None, max_examples=60)
@given(st.floats(-3, 3), st.floats(0.1, 9), st.floats(1.0, 9.0), st.sampled_from([7.0, 9.0, 11.0]))
@example(-1, 5.0, 1.45, 9.0)
def test_labels_of_a_logarithmic_axis_never_cover_each_other(
    low: float, decades: float, length_in: float, points: float
) -> None:
    figure = beside_each_other(10**low, 10 ** (low + decades), length_in, points=points)

    assert overlaps(figure) == []


@pytest.mark.parametrize("decades", [1, 2, 4, 7])
def test_an_axis_of_a_decade_or_more_has_two_labels_at_least(decades: int) -> None:
    figure = beside_each_other(0.8, 0.8 * 10**decades, 1.45)

    for axes in figure.axes:
        assert len(labels(axes)) >= 2


def test_labels_count_in_the_unit_that_is_asked_for_and_are_short() -> None:
    figure = beside_each_other(90.0, 2e7, 2.0, per_unit=1000)

    assert labels(figure.axes[0]) == ["1", "10", "100", "1k", "10k"]


@pytest.mark.parametrize(
    ("value", "label"),
    [(0, "0"), (0.01, "0.01"), (5, "5"), (1000, "1k"), (1.5e4, "15k"), (2e6, "2M")],
)
def test_a_round_figure_is_written_in_a_few_characters(value: float, label: str) -> None:
    assert short(value) == label


def test_an_upright_axis_has_room_for_more_labels_than_it_is_long_for_words() -> None:
    figure = Figure(figsize=(3, 2))
    axes = figure.add_axes((0.3, 0.2, 0.6, 0.6))
    axes.set_xticks([])
    axes.set_yscale("log")
    axes.set_ylim(0.5, 2e5)
    label_log_axis(axes.yaxis, (0.5, 2e5), length_in=1.2)

    assert overlaps(figure) == []
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        *("1", "10", "100", "1k", "10k", "100k")
    ]
