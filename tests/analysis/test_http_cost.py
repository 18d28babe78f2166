"""What HTTP adds, against the same load in process."""

from __future__ import annotations

import pytest
from tests.analysis.runs import run
from tests.analysis.services import in_process, service

from outboxbench.analysis.answers import answers
from outboxbench.analysis.answers.http import HTTP
from outboxbench.analysis.comparable import comparable_arms
from outboxbench.analysis.http_cost import difference, http_costs
from outboxbench.analysis.warnings import run_warnings


def test_a_service_is_held_against_its_twin_of_the_same_round() -> None:
    (cost,) = http_costs(run(in_process(), service()))

    assert cost.p50_us is not None
    assert cost.cpu_us is not None
    assert cost.p50_us.mean == pytest.approx((1_500 + 1_550 + 1_500) / 3)
    assert cost.p50_us.low < cost.p50_us.mean < cost.p50_us.high
    # Rounds that all say the same leave no doubt.
    assert cost.cpu_us == (180.0, 180.0, 180.0)


def test_a_service_without_a_twin_has_no_cost() -> None:
    assert http_costs(run(service())) == ()
    assert http_costs(run(in_process("psycopg"), service())) == ()
    other_load = in_process().model_copy(update={"settings": {"clients": 9}})
    assert http_costs(run(other_load, service())) == ()


def test_a_service_with_a_relay_beside_it_is_not_held_against_a_process_without_one() -> None:
    assert http_costs(run(in_process(), service(relays=1))) == ()


def test_one_round_has_no_interval() -> None:
    (cost,) = http_costs(run(in_process(p50_us=[900.0]), service(p50_us=[2_400.0])))

    assert (cost.cpu_us, cost.p50_us) == (None, None)
    assert difference([1.0]) is None


def test_the_interval_is_students() -> None:
    found = difference([1.0, 2.0, 3.0])

    assert found is not None
    # t with 2 degrees of freedom at 0.975 is 4.303.
    assert found.high - found.mean == pytest.approx(4.303 / 3**0.5, rel=1e-3)


def test_the_answer_names_both_costs_with_their_intervals() -> None:
    told = {each.question: each for each in answers(run(in_process(), service()))}[HTTP]

    assert told.sentence.startswith("180 [180, 180] µs CPU and 1,520 [")
    assert "µs to the median" in told.sentence
    assert "with asyncpg" in told.sentence
    assert "8 clients" in told.grounds


def test_of_several_numbers_of_instances_the_answer_is_that_of_the_fewest() -> None:
    measured = run(in_process(), service(instances=3), service(instances=2))
    told = {each.question: each for each in answers(measured)}[HTTP]

    assert told.sentence.count("with asyncpg") == 1
    assert "2 instances on the same machine" in told.grounds


def test_services_and_arms_in_process_stand_in_tables_of_their_own() -> None:
    tables = comparable_arms(run(in_process(), service(), service(instances=2)))

    assert [len(table.strategies) for table in tables] == [1, 1, 1]
    assert [table.title for table in tables] == [
        "charge, matched profile",
        "charge, matched profile, over HTTP",
        "charge, matched profile, over HTTP",
    ]


def test_a_load_generator_at_its_limit_is_a_reason_for_doubt() -> None:
    calm, busy = run(service()), run(service(generator_share=0.97))

    def codes(of: object) -> set[str]:
        return {each.code for each in run_warnings(of)}  # type: ignore[arg-type]

    assert "load-saturated" not in codes(calm)
    assert "load-saturated" in codes(busy)
