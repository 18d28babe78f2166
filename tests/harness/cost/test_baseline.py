"""What a command takes with each of our strategies: as the baseline says, and fair to all."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.harness.cost.test_prices import SilentObserver
from tests.slow import one_is_quick

from outboxbench.analysis.cost_baseline import differences
from outboxbench.core.strategies.registry import ENTRY_POINT_GROUP
from outboxbench.harness.cost.plan import CostPlan, chosen_strategies
from outboxbench.harness.cost.runner import take_prices
from outboxbench.results.cost_baseline import read_baseline

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import Profile
    from outboxbench.results.cost import CommandCost, Costs

BASELINE = Path(__file__).parents[3] / "bench" / "cost-baseline.json"
WRITE_IT_ANEW = "outboxbench cost --counts-only --save-baseline bench/cost-baseline.json"

# By write plan. In the profile `matched` they hold with every library.
FAIR_ROUND_TRIPS = {
    "statements": {"charge": 5, "place": 5, "amend": 7},
    # BEGIN travels with the first read, the writes with COMMIT.
    "pipeline": {"charge": 2, "place": 1, "amend": 2},
    # One statement to read, one to write.
    "single": {"charge": 2, "place": 1, "amend": 2},
    # Alone, a unit of work is a batch of one.
    "group": {"charge": 2, "place": 1, "amend": 2},
}


@pytest.fixture(scope="module", params=one_is_quick([("matched",), ("idiomatic",)]))
def profiles(request: pytest.FixtureRequest) -> tuple[Profile, ...]:
    profiles: tuple[Profile, ...] = request.param
    return profiles


@pytest.fixture(scope="module")
def costs(profiles: tuple[Profile, ...]) -> Costs:
    # Others may be installed, and are no business of the baseline.
    ours = {
        point.name
        for point in distribution("outboxbench").entry_points
        if point.group == ENTRY_POINT_GROUP and point.name != "memory"
    }
    plan = CostPlan(chosen_strategies(ours), profiles=profiles, timed_operations=None)
    return take_prices(plan, WRITE_IT_ANEW, None, SilentObserver())


@pytest.fixture
def matched(costs: Costs) -> list[CommandCost]:
    return [command for command in costs.commands if command.profile == "matched"]


def test_no_command_takes_other_than_the_baseline_says(costs: Costs) -> None:
    lines = differences(read_baseline(BASELINE), costs)

    assert not lines, "\n".join((*lines, f"if that is meant: {WRITE_IT_ANEW}"))


def test_every_command_does_what_it_should(costs: Costs) -> None:
    assert len(costs.commands) == 3 * len({command.strategy for command in costs.commands})
    assert {command.name: command.checks for command in costs.commands if command.checks} == {}


def test_matched_strategies_of_a_plan_take_the_same_round_trips(matched: list[CommandCost]) -> None:
    taken = {command.name: command.counts.round_trips for command in matched}

    assert taken == {
        command.name: FAIR_ROUND_TRIPS[command.write_plan][command.workload] for command in matched
    }


def test_who_has_asked_waits_for_the_answer(costs: Costs) -> None:
    for command in costs.commands:
        assert command.counts.direction_changes == command.counts.round_trips, command.name


def test_a_transaction_is_committed_once_and_never_rolled_back(costs: Costs) -> None:
    for command in costs.commands:
        # The one statement of these plans is a transaction without a COMMIT of its own.
        commits = command.write_plan not in ("single", "group")
        assert (command.counts.commits, command.counts.rollbacks) == (commits, 0), command.name


def test_every_statement_is_prepared_once_it_is_warm(costs: Costs) -> None:
    for command in costs.commands:
        assert "Parse" not in command.counts.frontend_messages, command.name
