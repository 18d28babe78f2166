from __future__ import annotations

import pytest

from outboxbench.report.spread import WIDTH, scale, spread


def test_each_round_has_a_bar_in_its_order() -> None:
    values = [1000.0, 2000.0, 500.0]

    assert spread(values, scale([values])) == "▅█▁"


def test_an_arm_whose_rounds_agree_is_level_beside_one_whose_do_not() -> None:
    steady, noisy = [100.0, 101.0, 99.5], [100.0, 300.0, 33.0]
    common = scale([steady, noisy])

    assert len(set(spread(steady, common)) & {"▄", "▅"}) == len(set(spread(steady, common)))
    assert spread(noisy, common) == "▅█▁"


def test_differences_that_count_as_none_anywhere_do_not_fill_the_height() -> None:
    values = [100.0, 101.0, 99.0]

    assert set(spread(values, scale([values]))) <= {"▄", "▅"}


@pytest.mark.parametrize("rounds", [1, 2, 5, 6, 7, 12, 100])
def test_many_rounds_share_the_bars(rounds: int) -> None:
    values = [100.0 + number for number in range(rounds)]
    drawn = spread(values, scale([values]))

    assert len(drawn) == min(rounds, WIDTH)
    assert list(drawn) == sorted(drawn)


@pytest.mark.parametrize("values", [[], [0.0, 0.0]])
def test_where_nothing_was_done_there_is_nothing_to_draw(values: list[float]) -> None:
    assert spread(values, scale([values])) == ""
