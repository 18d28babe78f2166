"""Charts of faults in figures and in one sentence: what they show is told as well as drawn."""

from __future__ import annotations

from typing import Any

import pytest
from tests.report import faults
from tests.report.seen import words

from outboxbench.analysis.fault_panels import OUTCOMES, due_in_spans
from outboxbench.report.charts import fault_outcomes, fault_recovery, fault_unavailability
from outboxbench.report.charts.frame import NoDataError

CHARTS = (fault_outcomes, fault_recovery, fault_unavailability)


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_says_what_it_needs_and_how_to_read_it_in_a_sentence(chart: Any) -> None:
    assert chart.READING.endswith(".")
    assert chart.READING.count(". ") == 0
    assert not chart.NEEDS.endswith(".")


@pytest.mark.parametrize("chart", CHARTS)
def test_a_run_without_injections_has_neither_figures_nor_a_finding(chart: Any) -> None:
    for told in (chart.describe, chart.finding, chart.data):
        with pytest.raises(NoDataError):
            told(faults.run(faults.arm(injections=0)))


@pytest.mark.parametrize("chart", CHARTS)
def test_every_row_of_figures_has_a_cell_for_each_column_and_names_its_arm(chart: Any) -> None:
    run = faults.run(*faults.many(3, 2))

    table = chart.data(run)

    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert table.columns[:3] == ("fault", "arm", "verdict")
    assert {row[:2] for row in table.rows} == {(arm.fault, arm.strategy) for arm in run.faults}


@pytest.mark.parametrize("chart", CHARTS)
def test_arms_stand_by_layers_that_are_named_where_there_are_several(chart: Any) -> None:
    alone = words(chart.draw(faults.run(faults.arm())))
    several = words(
        chart.draw(faults.run(faults.arm("orm-asyncpg"), faults.arm("asyncpg")))
    ).splitlines()

    layers = [line for line in several if line in ("driver alone", "SQLAlchemy ORM")]
    assert layers[-2:] == ["driver alone", "SQLAlchemy ORM"]
    # Once at most, in the key.
    assert alone.count("driver alone") <= 1


def test_of_outcomes_the_share_that_went_well_and_the_worst_arm_are_told() -> None:
    bad = faults.arm("psycopg", outage_ms=800)
    run = faults.run(faults.arm(outage_ms=0), bad)
    lost = due_in_spans(bad)

    told = fault_outcomes.finding(run)

    assert f"{lost.failed} failed, {lost.indeterminate} in doubt, {lost.skipped} skipped" in told
    assert "psycopg under reset lost most, " in told
    assert f"{1 - lost.good / lost.attempted:.1%} of its own" in told


def test_where_all_went_well_the_finding_says_so() -> None:
    arm = faults.arm(outage_ms=0)

    assert fault_outcomes.finding(faults.run(arm)) == (
        f"All {due_in_spans(arm).attempted:,} operations due from the first onset on went well."
    )


def test_counts_of_outcomes_are_exact() -> None:
    arm = faults.arm()
    counts = due_in_spans(arm)

    (row,) = fault_outcomes.data(faults.run(arm)).rows

    assert row == (
        *("reset", "asyncpg", "pass"),
        *(getattr(counts, outcome) for outcome in OUTCOMES),
    )


def test_of_recovery_the_latest_client_and_what_never_came_back_are_told() -> None:
    run = faults.run(
        faults.arm(outage_ms=200),
        faults.arm("psycopg", outage_ms=800),
        faults.arm("orm-psycopg", is_for_good=True),
    )

    told = fault_recovery.finding(run)

    assert "at the latest (psycopg under reset)" in told
    assert "goodput did not come back within the span after 1 of 6 injections" in told


def test_where_no_client_came_back_the_finding_names_nobody() -> None:
    run = faults.run(faults.arm(injections=1, is_for_good=True))

    assert fault_recovery.finding(run).startswith("No client succeeded after any injection;")
    assert fault_unavailability.finding(run) == (
        "Nothing succeeded any more after each of 1 injections."
    )


def test_all_panels_of_recovery_have_one_scale_so_that_faults_can_be_compared() -> None:
    run = faults.run(faults.arm(outage_ms=20), faults.arm(fault="stall", outage_ms=1_000))

    assert len({axes.get_xlim() for axes in fault_recovery.draw(run).axes}) == 1


def test_of_unavailability_the_longest_and_the_shortest_gap_are_told_and_whose_they_were() -> None:
    run = faults.run(
        faults.arm(outage_ms=200),
        faults.arm("psycopg", outage_ms=800),
        faults.arm("orm-psycopg", is_for_good=True),
    )

    told = fault_unavailability.finding(run)

    assert "ms (psycopg under reset), the shortest" in told
    assert "ms (asyncpg under reset)" in told
    assert told.endswith("after 1 of 6 injections nothing succeeded any more.")


def test_figures_of_unavailability_are_those_of_each_injection() -> None:
    arm = faults.arm(is_for_good=True)
    first, second = arm.availability.injections

    rows = fault_unavailability.data(faults.run(arm)).rows

    assert rows == (
        ("reset", "asyncpg", "pass", 1, first.first_ok_after_effect_ms, first.longest_gap_ms),
        ("reset", "asyncpg", "pass", 2, None, None),
    )
    assert second.first_ok_after_effect_ms is None
