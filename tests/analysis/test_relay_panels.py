"""Relay arms under the same load stand beside each other, told apart by what differs there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.analysis import runs
from tests.report.relays import HOP_MEDIANS_US, chain, drain, unmeasured

from outboxbench.analysis.relay_panels import hop_p50_us, relay_panels

if TYPE_CHECKING:
    from outboxbench.results.relay import RelayArm, RelayScenario


def labels(*arms: RelayArm, scenario: RelayScenario = "drain") -> list[str]:
    """The labels of the only panel that these arms make."""
    [panel] = relay_panels(runs.run(relays=arms), scenario)
    return [panel.label(arm) for arm in panel.arms]


def test_each_scenario_has_panels_of_its_own() -> None:
    run = runs.run(relays=(drain(), chain()))

    for scenario, arm in (("drain", drain()), ("chain", chain())):
        [panel] = relay_panels(run, "drain" if scenario == "drain" else "chain")
        assert (panel.scenario, panel.arms) == (scenario, (arm,))
    assert relay_panels(runs.run(), "drain") == relay_panels(runs.run(), "chain") == ()


@pytest.mark.parametrize(
    ("setting", "title"),
    [
        ({"shape": "hot"}, "10,000 messages of 1,000 aggregates, hot"),
        ({"messages": 50}, "50 messages of 1,000 aggregates, interleaved"),
        ({"aggregates": 7}, "10,000 messages of 7 aggregates, interleaved"),
        (
            {"busy_us": 1000.0},
            ("10,000 messages of 1,000 aggregates, interleaved, a receiver that takes 1000 µs"),
        ),
    ],
)
def test_backlogs_that_differ_in_more_than_the_relay_have_panels_with_a_title(
    setting: dict[str, str | int | float], title: str
) -> None:
    panels = relay_panels(runs.run(relays=(drain(), drain(settings={**setting}))), "drain")

    assert [panel.title for panel in panels] == [
        "10,000 messages of 1,000 aggregates, interleaved",
        title,
    ]


def test_rates_of_orders_have_panels_of_their_own_in_the_order_of_the_suite() -> None:
    run = runs.run(relays=(chain(settings={"orders_per_s": 300.0}), chain()))

    assert [panel.title for panel in relay_panels(run, "chain")] == [
        "300 orders per second, each charged for and confirmed",
        "150 orders per second, each charged for and confirmed",
    ]


def test_a_label_tells_strategy_and_plan_and_nothing_that_all_have() -> None:
    assert labels(drain("asyncpg", rate=2.0), drain("psycopg", "delete", rate=1.0)) == [
        "asyncpg lease",
        "psycopg delete",
    ]


def test_a_label_tells_whatever_else_differs() -> None:
    first = drain(rate=9.0)

    assert labels(first, drain(rate=8.0, relays=2)) == ["asyncpg lease ×1", "asyncpg lease ×2"]
    assert labels(first, drain(rate=8.0, broker="nats"))[1] == "asyncpg lease nats"
    assert labels(first, drain(rate=8.0, loop="asyncio"))[1] == "asyncpg lease asyncio"
    assert labels(first, drain(rate=8.0, settings={"batch": 10})) == [
        "asyncpg lease b500",
        "asyncpg lease b10",
    ]
    polling = chain(slowness=2, settings={"wake_up": "poll"})
    assert labels(chain(), polling, scenario="chain") == [
        "asyncpg lease notify",
        "asyncpg lease poll",
    ]


def test_drains_are_ranked_by_their_rate_and_what_was_not_measured_comes_last() -> None:
    slow, fast = drain("psycopg", rate=10.0), drain("orm-psycopg", rate=90.0)
    missing = unmeasured(drain("asyncpg", rate=99.0))

    [panel] = relay_panels(runs.run(relays=(missing, slow, fast)), "drain")

    assert panel.arms == (fast, slow, missing)


def test_chains_are_ranked_by_how_soon_messages_are_delivered() -> None:
    slow, fast = chain("asyncpg", slowness=3), chain("psycopg")
    too_few = chain("orm-psycopg", samples=5)

    [panel] = relay_panels(runs.run(relays=(too_few, slow, fast)), "chain")

    assert panel.arms == (fast, slow, too_few)


def test_the_common_settings_are_those_that_neither_title_nor_label_tells() -> None:
    run = runs.run(relays=(drain(), drain(rate=3.0, relays=2, settings={"batch": 10})))

    [alone] = relay_panels(runs.run(relays=(drain(),)), "drain")
    [both] = relay_panels(run, "drain")
    [orders] = relay_panels(runs.run(relays=(chain(),)), "chain")

    assert alone.settings_text == "batch=500, broker=memory, lease_s=10.0, loop=uvloop, relays=1"
    assert both.settings_text == "broker=memory, lease_s=10.0, loop=uvloop"
    assert orders.settings_text == (
        "batch=500, broker=memory, clients=8, handlers=8, lease_s=10.0, loop=uvloop, relays=1, "
        "wake_up=notify"
    )


def test_a_hop_has_a_median_where_there_were_enough_messages() -> None:
    assert hop_p50_us(chain(), "delivery") == HOP_MEDIANS_US["delivery"]
    assert hop_p50_us(chain(samples=5), "delivery") is None
    assert hop_p50_us(unmeasured(chain()), "delivery") is None
    assert hop_p50_us(drain(), "delivery") is None
