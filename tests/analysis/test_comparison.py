from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.arms import arm

from outboxbench.analysis.comparison import (
    METRICS,
    Side,
    compare_arms,
    compare_unpaired,
    inconclusive,
)
from outboxbench.analysis.decision import excess_p_value, holm
from outboxbench.analysis.intervals import Paired, Unpaired

if TYPE_CHECKING:
    from outboxbench.results.comparison import Comparison, Metric

FAST = [100.0, 102.0, 98.0, 101.0]
SLOW = [80.0, 81.0, 80.0, 79.0]
UNSURE = [80.0, 140.0, 70.0, 120.0]

values = st.floats(min_value=10, max_value=1000)


def five_percent(_metric: Metric, _rounds: int) -> float:
    return 0.05


def told(comparisons: tuple[Comparison, ...]) -> list[tuple[str, str, str]]:
    return [(each.head, each.metric, each.decision) for each in comparisons]


def test_every_metric_of_a_closed_loop_is_compared_in_a_fixed_order() -> None:
    base = arm("base", ok_per_s=FAST, p50=FAST, client_cpu=FAST, p99=FAST)
    head = arm("head", ok_per_s=SLOW, p50=SLOW, client_cpu=SLOW, p99=SLOW)

    comparisons = compare_arms([(base, head), (head, base)], five_percent)

    assert told(comparisons) == [
        ("head", "ok_per_s", "regression"),
        ("head", "latency_p50", "improvement"),
        ("head", "client_cpu", "improvement"),
        ("head", "latency_p99", "improvement"),
        ("base", "ok_per_s", "improvement"),
        ("base", "latency_p50", "regression"),
        ("base", "client_cpu", "regression"),
        ("base", "latency_p99", "regression"),
    ]


def test_throughput_and_median_latency_decide_and_the_rest_advises() -> None:
    assert {metric: rule.is_advisory for metric, rule in METRICS.items()} == {
        "ok_per_s": False,
        "latency_p50": False,
        "client_cpu": True,
        "latency_p99": True,
    }


def test_a_comparison_holds_its_estimates() -> None:
    (comparison,) = compare_arms(
        [(arm("base", ok_per_s=FAST), arm("head", ok_per_s=SLOW))], five_percent
    )

    ratios = Paired([math.log(slow / fast) for fast, slow in zip(FAST, SLOW, strict=True)])
    bootstrap = ratios.bootstrap_interval()
    assert (comparison.base, comparison.head, comparison.control) == ("base", "head", None)
    assert (comparison.rounds, comparison.margin, comparison.is_advisory) == (4, 0.05, False)
    assert (comparison.ratio, comparison.low, comparison.high) == pytest.approx(
        ratios.mean().t_interval()
    )
    assert (comparison.bootstrap_low, comparison.bootstrap_high) == pytest.approx(bootstrap[1:])
    assert comparison.hodges_lehmann == pytest.approx(ratios.hodges_lehmann())
    assert comparison.p_value == pytest.approx(excess_p_value(ratios.mean(), 0.05))


def test_blocks_are_paired_by_their_round_whatever_their_order() -> None:
    # The machine was half as fast in round 1, for both.
    base = arm("base", ok_per_s=[100, 50, 102])
    head = arm("head", ok_per_s=[90, 45, 92])
    shuffled = head.model_copy(update={"blocks": head.blocks[::-1]})

    (comparison,) = compare_arms([(base, shuffled)], five_percent)

    assert comparison.ratio == pytest.approx(0.9, rel=0.01)
    assert comparison.high < 0.92


def test_a_round_that_one_side_lacks_is_left_out() -> None:
    base = arm("base", ok_per_s=[999, 100, 100], first_round=0)
    head = arm("head", ok_per_s=[100, 100, 999], first_round=1)

    (comparison,) = compare_arms([(base, head)], five_percent)

    assert (comparison.rounds, comparison.ratio) == (2, 1)


@pytest.mark.parametrize("unusable", [None, 0.0])
def test_a_block_without_a_value_is_left_out_for_that_metric_alone(unusable: float | None) -> None:
    base = arm("base", ok_per_s=FAST, client_cpu=[unusable, 100, 100, 100])
    head = arm("head", ok_per_s=FAST, client_cpu=[100, 100, unusable, 100])

    throughput, cpu = compare_arms([(base, head)], five_percent)

    assert (throughput.metric, throughput.rounds) == ("ok_per_s", 4)
    assert (cpu.metric, cpu.rounds) == ("client_cpu", 2)


@pytest.mark.parametrize("first_round", [3, 4])
def test_fewer_than_two_rounds_in_common_are_not_compared(first_round: int) -> None:
    head = arm("head", ok_per_s=SLOW, first_round=first_round)

    assert compare_arms([(arm("base", ok_per_s=FAST), head)], five_percent) == ()


@pytest.mark.parametrize("rates", [(50.0, 50.0), (50.0, None), (None, 50.0)])
def test_the_throughput_of_an_open_loop_is_given_and_not_compared(
    rates: tuple[float | None, float | None],
) -> None:
    base = arm("base", ok_per_s=FAST, p50=FAST, offered_per_s=rates[0])
    head = arm("head", ok_per_s=SLOW, p50=FAST, offered_per_s=rates[1])

    assert told(compare_arms([(base, head)], five_percent)) == [("head", "latency_p50", "same")]


def test_the_margin_may_differ_by_metric_and_number_of_rounds() -> None:
    def margins(metric: Metric, rounds: int) -> float:
        return {"ok_per_s": 0.1, "latency_p50": 0.2}[metric] * rounds

    base = arm("base", ok_per_s=FAST, p50=[1, 1, None, None])
    head = arm("head", ok_per_s=SLOW, p50=[1, 1, 1, 1])

    comparisons = compare_arms([(base, head)], margins)

    assert [comparison.margin for comparison in comparisons] == [0.4, 0.4]


def test_a_wide_margin_makes_a_difference_the_same() -> None:
    pair = (arm("base", ok_per_s=FAST), arm("head", ok_per_s=SLOW))

    assert told(compare_arms([pair], lambda *_: 0.4)) == [("head", "ok_per_s", "same")]


def test_holms_correction_keeps_what_decides_apart_from_what_advises() -> None:
    steady = [100.0] * 4
    columns = (
        [80.0, 88.0, 84.0, 86.0],
        [120.0, 110.0, 113.0, 131.0],
        [130.0, 110.0, 119.0, 117.0],
        [190.0, 121.0, 104.0, 110.0],
    )
    base = arm("base", ok_per_s=steady, p50=steady, client_cpu=steady, p99=steady)
    ok_per_s, p50, client_cpu, p99 = columns
    head = arm("head", ok_per_s=ok_per_s, p50=p50, client_cpu=client_cpu, p99=p99)

    comparisons = compare_arms([(base, head), (base, head)], five_percent)

    raw = [
        excess_p_value(Paired([math.log(value / 100) for value in column]).mean(), 0.05)
        for column in columns
    ]
    expected = [*holm(raw[:2] * 2)[:2], *holm(raw[2:] * 2)[:2]]
    assert [comparison.p_value for comparison in comparisons] == pytest.approx(expected * 2)


def test_what_else_is_compared_in_the_run_changes_no_answer() -> None:
    pair = (arm("base", ok_per_s=[100.0] * 4), arm("head", ok_per_s=[85.0, 93.0, 86.0, 88.0]))
    quiet = (arm("base", ok_per_s=FAST), arm("quiet", ok_per_s=FAST))

    alone = compare_arms([pair], five_percent)
    among_many = compare_arms([pair, *[quiet] * 9], five_percent)

    assert alone[0].decision == "regression"
    assert among_many[0] == alone[0]


@given(st.lists(st.tuples(values, values), min_size=2, max_size=12))
def test_exchanging_the_arms_inverts_the_ratio(rounds: list[tuple[float, float]]) -> None:
    one = arm("one", ok_per_s=[first for first, _ in rounds])
    two = arm("two", ok_per_s=[second for _, second in rounds])

    (forth,) = compare_arms([(one, two)], five_percent)
    (back,) = compare_arms([(two, one)], five_percent)

    assert back.ratio == pytest.approx(1 / forth.ratio)
    assert (back.low, back.high) == pytest.approx((1 / forth.high, 1 / forth.low))
    assert back.p_value == pytest.approx(forth.p_value)


def test_two_runs_are_compared_by_welch() -> None:
    base, head = arm("base", ok_per_s=[*FAST, 99.0]), arm("head", ok_per_s=SLOW, first_round=7)

    (comparison,) = compare_unpaired([(Side(base, None), Side(head, None))], five_percent)

    expected = Unpaired([math.log(value) for value in [*FAST, 99.0]], [*map(math.log, SLOW)])
    assert (comparison.ratio, comparison.low, comparison.high) == pytest.approx(
        expected.mean().t_interval()
    )
    assert (comparison.rounds, comparison.control) == (4, None)
    assert comparison.decision == "regression"


def test_a_control_cancels_what_changed_the_machine_between_two_runs() -> None:
    slower = [value * 0.7 for value in FAST]
    base = Side(arm("base", ok_per_s=FAST), arm("ceiling", ok_per_s=[400.0] * 4))
    head = Side(arm("head", ok_per_s=slower), arm("ceiling", ok_per_s=[280.0] * 4))

    (comparison,) = compare_unpaired([(base, head)], five_percent)

    assert comparison.ratio == pytest.approx(1)
    assert (comparison.control, comparison.decision) == ("ceiling", "same")


def test_a_control_is_set_against_the_arm_of_the_same_round() -> None:
    # Round 1 was slow for arm and control alike: the ratio of the round knows nothing of it.
    control = arm("ceiling", ok_per_s=[400, 200, 400, 400])
    base = Side(arm("base", ok_per_s=[100, 50, 100, 100]), control)
    head = Side(arm("head", ok_per_s=[80, 40, 80]), control)

    (comparison,) = compare_unpaired([(base, head)], five_percent)

    assert (comparison.low, comparison.high) == pytest.approx((0.8, 0.8))
    assert comparison.rounds == 3


@pytest.mark.parametrize("lacking", [[None] * 4, [100.0, None, None, None]])
def test_a_metric_that_a_control_lacks_on_one_side_has_none_on_either(
    lacking: list[float | None],
) -> None:
    full = arm("ceiling", ok_per_s=[400.0] * 4, client_cpu=[10.0, 20.0, 10.0, 20.0])
    poor = arm("ceiling", ok_per_s=[400.0] * 4, client_cpu=lacking)
    base = Side(arm("base", ok_per_s=FAST, client_cpu=FAST), full)
    head = Side(arm("head", ok_per_s=FAST, client_cpu=FAST), poor)

    throughput, cpu = compare_unpaired([(base, head)], five_percent)
    _, swapped_cpu = compare_unpaired([(head, base)], five_percent)

    assert (throughput.control, cpu.control, swapped_cpu.control) == ("ceiling", None, None)
    assert (cpu.ratio, swapped_cpu.ratio) == (1, 1)


def test_a_control_on_one_side_alone_is_none() -> None:
    base = Side(arm("base", ok_per_s=FAST), arm("ceiling", ok_per_s=[400.0] * 4))
    head = Side(arm("head", ok_per_s=FAST), None)

    (comparison,) = compare_unpaired([(base, head)], five_percent)

    assert (comparison.control, comparison.ratio) == (None, 1)


def test_different_controls_cancel_nothing_and_are_not_used() -> None:
    base = Side(arm("base", ok_per_s=FAST), arm("ceiling", ok_per_s=[400.0] * 4))
    head = Side(arm("head", ok_per_s=FAST), arm("another ceiling", ok_per_s=[900.0] * 4))

    (comparison,) = compare_unpaired([(base, head)], five_percent)

    assert (comparison.control, comparison.ratio) == (None, 1)


def test_a_run_with_one_round_is_not_compared() -> None:
    base, head = arm("base", ok_per_s=FAST), arm("head", ok_per_s=SLOW[:1])

    assert compare_unpaired([(Side(base, None), Side(head, None))], five_percent) == ()


def test_only_an_inconclusive_comparison_that_decides_asks_for_more_rounds() -> None:
    def compared(ok_per_s: list[float], client_cpu: list[float]) -> tuple[Comparison, ...]:
        base = arm("base", ok_per_s=FAST, client_cpu=FAST)
        head = arm("head", ok_per_s=ok_per_s, client_cpu=client_cpu)
        return compare_arms([(base, head)], five_percent)

    assert inconclusive(compared(UNSURE, FAST))
    assert not inconclusive(compared(SLOW, FAST))
    assert not inconclusive(compared(FAST, UNSURE))
    assert not inconclusive(())
