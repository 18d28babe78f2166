"""What relays delivered is held against what was due, and figures are made of the right ones."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from tests.harness.relaying.records import Delivery, deliveries

from outboxbench.harness.relaying.due import received
from outboxbench.harness.relaying.hops import OrderChain
from outboxbench.harness.relaying.job import RelayResult
from outboxbench.harness.suite.model import Suite
from outboxbench.harness.suite.relay_blocks import RawRelayBlock
from outboxbench.harness.suite.relay_document import MeasuredRelays
from outboxbench.harness.suite.relay_plan import plan_relays
from outboxbench.results.deliveries import Chain, Place

if TYPE_CHECKING:
    from outboxbench.harness.suite.relay_plan import RelayingArm
    from outboxbench.results.relay import RelayArm, RelayBlock

OPENS_NS = 10**9
WINDOW_NS = 60 * 10**6
MISSING = "every committed message is delivered"
INVENTED = "nothing is delivered that was not committed"
INVERTED = "messages of an aggregate are delivered in its order"

# Two messages of one aggregate, in their order; one of another.
ONE, TWO, OTHER = (UUID(int=number) for number in (1, 2, 3))
DUE = {
    (ONE, 0): Place(UUID(int=1), 1, 0),
    (TWO, 0): Place(UUID(int=1), 2, 0),
    (OTHER, 0): Place(UUID(int=2), 1, 0),
}


def arms(key: str = "drains", strategies: tuple[str, ...] = ("asyncpg",)) -> list[RelayingArm]:
    matrix = {"strategies": list(strategies), "plans": ["lease"]}
    suite = Suite.model_validate({"name": "mine", "description": "mine", key: [matrix]})
    return list(plan_relays(suite).arms)


def delivered(*op_ids: UUID) -> list[Delivery]:
    return [
        Delivery(op_id, 0, OPENS_NS + (number + 1) * 10**7) for number, op_id in enumerate(op_ids)
    ]


def raw(*arrived: Delivery, counted: int | None = None, seconds: float = 0.06) -> RawRelayBlock:
    records = deliveries(*arrived)
    return RawRelayBlock(
        seconds=seconds,
        results=[
            RelayResult(
                delivered=len(arrived) if counted is None else counted,
                refused=0,
                dead=0,
                late=0,
                outages=0,
                began_ns=OPENS_NS,
                ended_ns=OPENS_NS + WINDOW_NS,
                cpu_ns=3_000_000,
            )
        ],
        deliveries=received(DUE, records),
        records=records,
        server_cpu_s=0.006,
        opens_ns=OPENS_NS,
    )


def judged(block: RawRelayBlock) -> tuple[RelayBlock, RelayArm]:
    [arm] = arms()
    measured = MeasuredRelays([arm], "asyncpg")
    document = measured.add(arm, block, round_number=0, position=0)
    [summarised] = measured.documents()
    return document, summarised


def failed(block: RelayBlock) -> list[str]:
    return [check.name for check in block.checks if check.verdict == "fail"]


def test_what_arrived_once_and_in_order_passes_with_its_figures() -> None:
    block, arm = judged(raw(*delivered(ONE, OTHER, TWO)))

    assert (block.verdict, arm.verdict) == ("pass", "pass")
    assert block.delivered_per_s == pytest.approx(50)
    assert block.relay_cpu_us_per_message == pytest.approx(1000)
    assert block.server_cpu_us_per_message == pytest.approx(2000)
    assert (block.backlog[0], block.backlog[-1]) == (3, 0)


def test_a_message_that_came_twice_is_counted_and_passes() -> None:
    block, arm = judged(raw(*delivered(ONE, TWO, OTHER, ONE)))

    assert (block.verdict, block.duplicates, block.inversions) == ("pass", 1, 0)
    assert arm.summary is not None
    assert arm.summary.duplicates == 1
    assert block.backlog[-1] == 0


@pytest.mark.parametrize(
    ("arrived", "check", "detail"),
    [
        ((ONE, TWO), MISSING, "1 of 3 were never delivered"),
        ((ONE, TWO, OTHER, UUID(int=9)), INVENTED, "1 deliveries of messages that are not there"),
        ((TWO, ONE, OTHER), INVERTED, "1 first deliveries after a later message's, 0 duplicates"),
    ],
)
def test_a_missing_an_invented_and_an_inverted_delivery_fail_the_block_and_the_arm(
    arrived: tuple[UUID, ...], check: str, detail: str
) -> None:
    block, arm = judged(raw(*delivered(*arrived)))

    assert (block.verdict, arm.verdict) == ("fail", "fail")
    assert failed(block) == [check]
    assert detail in [each.detail for each in block.checks]


def test_faults_of_every_kind_are_each_told() -> None:
    block, _ = judged(raw(*delivered(TWO, ONE, UUID(int=9))))

    assert failed(block) == [MISSING, INVENTED, INVERTED]
    assert block.inversions == 1


def test_one_failed_round_fails_the_arm() -> None:
    [arm] = arms()
    measured = MeasuredRelays([arm], "asyncpg")
    assert not measured
    for number, arrived in enumerate([(ONE, TWO, OTHER), (ONE, TWO)]):
        measured.add(arm, raw(*delivered(*arrived)), round_number=number, position=0)

    [document] = measured.documents()
    assert document.verdict == "fail"
    assert document.summary is not None
    assert document.summary.rounds == 2


def test_where_nothing_was_delivered_there_is_no_cost_of_a_message() -> None:
    block, _ = judged(raw())

    assert block.verdict == "fail"
    assert (block.relay_cpu_us_per_message, block.server_cpu_us_per_message) == (None, None)


def test_a_ratio_is_of_the_same_rounds_and_needs_two() -> None:
    reference, other = arms(strategies=("asyncpg", "psycopg"))
    measured = MeasuredRelays([reference, other], "asyncpg")

    def ratios() -> list[float | None]:
        summaries = [arm.summary for arm in measured.documents()]
        return [each.ratio.ratio if each and each.ratio else None for each in summaries]

    for number in range(2):
        order = delivered(ONE, TWO, OTHER)
        seconds = 0.06 * (number + 1)
        measured.add(reference, raw(*order, seconds=seconds), round_number=number, position=0)
        if number == 1:
            assert ratios() == [None, None]
        measured.add(other, raw(*order, seconds=2 * seconds), round_number=number, position=1)

    assert ratios() == [None, pytest.approx(0.5)]


CHAIN = OrderChain.of(UUID(int=7))
COMMITTED = {
    op_id.bytes: OPENS_NS + 1_000_000 * number
    for number, op_id in enumerate((CHAIN.placed, CHAIN.charged, CHAIN.closed))
}


def chain_block(chain: Chain | None) -> RawRelayBlock:
    # The last message comes after the window.
    arrived = deliveries(
        Delivery(CHAIN.placed, 0, OPENS_NS + 2_000_000),
        Delivery(CHAIN.placed, 1, OPENS_NS + 3_000_000),
        Delivery(CHAIN.charged, 0, OPENS_NS + 4_000_000),
        Delivery(CHAIN.closed, 0, OPENS_NS + WINDOW_NS + 1),
    )
    keys = [(CHAIN.placed, 0), (CHAIN.placed, 1), (CHAIN.charged, 0), (CHAIN.closed, 0)]
    due = {key: Place(key[0], 1, key[1]) for key in keys}
    base = raw(counted=4)
    return RawRelayBlock(
        seconds=base.seconds,
        results=base.results,
        deliveries=received(due, arrived),
        records=arrived,
        server_cpu_s=None,
        opens_ns=OPENS_NS,
        committed_ns=COMMITTED,
        placed=[CHAIN.placed],
        chain=chain,
    )


def judged_chain(chain: Chain | None) -> RelayBlock:
    [arm] = arms("chains")
    return MeasuredRelays([arm], "asyncpg").add(arm, chain_block(chain), round_number=0, position=0)


def test_a_chain_counts_what_was_delivered_in_its_window_and_times_every_hop() -> None:
    block = judged_chain(Chain(1, 0, 0, 0, 0))

    assert block.verdict == "pass"
    assert block.delivered == 4
    assert block.delivered_per_s == pytest.approx(50)
    samples = {each.hop: each.latency_us.samples for each in block.hops}
    assert samples == {"handler": 2, "broker": 2, "delivery": 4, "chain": 1}
    # Too few for a median; the longest there is always.
    for each in block.hops:
        assert each.latency_us.p50 is None
        assert each.latency_us.max
    assert block.server_cpu_us_per_message is None
    assert block.backlog[-1] == 0
    assert max(block.backlog) >= 1


@pytest.mark.parametrize(
    ("chain", "detail"),
    [
        (Chain(1, 1, 0, 0, 0), "of 1 orders 1 never answered"),
        (Chain(2, 0, 1, 0, 0), "of 2 orders 1 charged more than once"),
        (Chain(2, 0, 0, 1, 1), "of 2 orders 1 never closed, 1 closed against the answer"),
    ],
)
def test_an_order_that_is_not_closed_by_one_answer_fails_the_block(
    chain: Chain, detail: str
) -> None:
    block = judged_chain(chain)

    assert block.verdict == "fail"
    assert [check.detail for check in block.checks if check.verdict == "fail"] == [detail]
