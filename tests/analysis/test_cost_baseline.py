from __future__ import annotations

import pytest
from tests.costs import COUNTS, command, costs

from outboxbench.analysis.cost_baseline import differences
from outboxbench.results.cost_baseline import baseline_of

MEASURED = costs(command(), command("asyncpg"))
BASELINE = baseline_of(MEASURED)


def changed(**figures: object) -> list[str]:
    counts = COUNTS.model_copy(update=figures)
    return differences(BASELINE, costs(command(counts=counts), command("asyncpg")))


def test_what_was_measured_agrees_with_its_own_baseline() -> None:
    assert differences(BASELINE, MEASURED) == []


def test_a_round_trip_more_is_one_line() -> None:
    assert changed(round_trips=3) == ["psycopg-single charge (matched): round_trips 2 → 3"]


@pytest.mark.parametrize("figure", ["round_trips", "statements", "transactions"])
def test_counts_of_the_wire_are_exact(figure: str) -> None:
    value = getattr(COUNTS, figure)

    (line,) = changed(**{figure: value + 0.01})

    assert line.startswith(f"psycopg-single charge (matched): {figure} {value:g} → ")


def test_a_message_more_is_a_difference() -> None:
    more = COUNTS.frontend_messages | {"Parse": 0.04}

    assert changed(frontend_messages=more) == [
        "psycopg-single charge (matched): frontend_messages 6 → 6.04"
    ]


def test_the_number_of_flushes_is_none() -> None:
    assert changed(frontend_messages=COUNTS.frontend_messages | {"Flush": 2}) == []


@pytest.mark.parametrize(
    ("figure", "tolerance"),
    [
        ("frontend_bytes", 0.01),
        ("backend_bytes", 0.01),
        ("wal_records", 0.02),
        ("wal_bytes", 0.10),
    ],
)
def test_bytes_and_the_log_have_a_tolerance(figure: str, tolerance: float) -> None:
    value = getattr(COUNTS, figure)

    assert changed(**{figure: value * (1 + 0.9 * tolerance)}) == []
    assert changed(**{figure: value * (1 - 0.9 * tolerance)}) == []
    assert len(changed(**{figure: value * (1 + 1.1 * tolerance)})) == 1
    assert len(changed(**{figure: value * (1 - 1.1 * tolerance)})) == 1


def test_a_figure_that_is_not_known_any_more_is_a_difference() -> None:
    assert changed(wal_records=None) == [
        "psycopg-single charge (matched): wal_records 5.48 → not known"
    ]


def test_a_strategy_that_is_missing_on_either_side_is_a_difference() -> None:
    measured = costs(command(), command("mine"))

    assert differences(BASELINE, measured) == [
        "asyncpg charge (matched): in the baseline, and not measured",
        "mine charge (matched): not in the baseline",
    ]


def test_only_what_was_asked_for_is_expected() -> None:
    assert differences(BASELINE, costs(command()), {"psycopg-single"}) == []
    assert differences(BASELINE, costs(command(workload="place")), {"psycopg-single"}) == [
        "psycopg-single place (matched): not in the baseline"
    ]


def test_the_log_of_another_major_version_is_not_compared() -> None:
    counts = COUNTS.model_copy(update={"wal_records": 50, "wal_bytes": 5000})
    commands = (command(counts=counts), command("asyncpg"))

    assert differences(BASELINE, costs(*commands, server_version="15.18")) == []
    assert len(differences(BASELINE, costs(*commands, server_version="18.9"))) == 2
