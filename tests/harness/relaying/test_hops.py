"""How late each hop of an order's chain came, and how many messages wait at each moment."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from tests.harness.relaying.records import Delivery, deliveries

from outboxbench.core.application.bootstrap import bootstrap, bootstrap_delivery
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.application.relay import Relay
from outboxbench.core.application.relay_settings import RelaySettings
from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.core.domain.ordering import OrderLine, PlaceOrder
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.memory.persistence import MemoryPersistence
from outboxbench.harness.relaying.hops import OrderChain, backlog_over_time, hop_latencies_ns
from outboxbench.harness.relaying.observed import ObservedReceiver, ObservedUnitsOfWork

CHAIN = OrderChain.of(UUID(int=7))
COMMITTED = {CHAIN.placed.bytes: 100, CHAIN.charged.bytes: 200, CHAIN.closed.bytes: 300}
DELIVERED = (
    Delivery(CHAIN.placed, 0, delivered_ns=150, handed_ns=110),
    Delivery(CHAIN.placed, 1, delivered_ns=130, handed_ns=120),
    Delivery(CHAIN.charged, 0, delivered_ns=260, handed_ns=220),
    Delivery(CHAIN.closed, 0, delivered_ns=340, handed_ns=330),
)


async def test_a_chain_names_the_operations_that_a_relay_commits_for_an_order() -> None:
    memory = MemoryPersistence()
    units = ObservedUnitsOfWork(memory)
    account_id, placed = uuid4(), uuid4()
    bus = bootstrap(memory)
    await bus.handle(OpenAccount(account_id=account_id), Attempt(uuid4()))
    await bus.handle(Deposit(account_id=account_id, amount_cents=900), Attempt(uuid4()))
    lines = (OrderLine(1, "tea", 2, 450),)
    order = PlaceOrder(order_id=uuid4(), account_id=account_id, lines=lines)
    await bootstrap(units).handle(order, Attempt(placed))
    outbox = memory.outbox("lease", lease_s=10)
    delivery = bootstrap_delivery(units, outbox, MemoryBroker(), concurrency=1)
    receiver = ObservedReceiver(delivery, busy_us=0)

    await Relay(outbox, receiver, RelaySettings()).drain()

    chain = OrderChain.of(placed)
    committed = [op_id for op_id, _ in units.commits]
    assert committed == [chain.placed.bytes, chain.charged.bytes, chain.closed.bytes]
    delivered = {(record[0], record[1]) for record in receiver.deliveries}
    assert delivered >= {(each.op_id.bytes, each.ordinal) for each in deliveries_of(chain)}
    assert all(handed_ns <= done_ns for *_, handed_ns, done_ns in receiver.deliveries)


def deliveries_of(chain: OrderChain) -> list[Delivery]:
    renamed = {CHAIN.placed: chain.placed, CHAIN.charged: chain.charged, CHAIN.closed: chain.closed}
    return [each._replace(op_id=renamed[each.op_id]) for each in DELIVERED]


def test_each_hop_is_timed_from_its_own_commit() -> None:
    found = hop_latencies_ns([CHAIN.placed], COMMITTED, deliveries(*DELIVERED))

    assert found == {
        "handler": [10, 20],
        "broker": [30, 40],
        "delivery": [50, 60, 30, 40],
        "chain": [240],
    }


def test_of_a_message_that_came_twice_the_first_delivery_counts() -> None:
    again = [each._replace(delivered_ns=9000, handed_ns=8000) for each in DELIVERED]

    for records in ([*DELIVERED, *again], [*again, *DELIVERED]):
        found = hop_latencies_ns([CHAIN.placed], COMMITTED, deliveries(*records))
        assert found == hop_latencies_ns([CHAIN.placed], COMMITTED, deliveries(*DELIVERED))


def test_what_was_not_seen_from_end_to_end_has_no_latency() -> None:
    unfinished = deliveries(*DELIVERED[:2])

    assert hop_latencies_ns([CHAIN.placed], {}, deliveries(*DELIVERED)) == {}
    assert hop_latencies_ns([uuid4()], COMMITTED, deliveries(*DELIVERED)) == {}
    assert hop_latencies_ns([CHAIN.placed], COMMITTED, unfinished) == {
        "handler": [10],
        "broker": [30],
        "delivery": [50, 30],
    }


MOMENTS = st.integers(0, 1000)


@given(commit=st.tuples(MOMENTS, MOMENTS, MOMENTS), arrival=st.lists(MOMENTS, max_size=4))
def test_a_latency_is_never_negative(commit: tuple[int, int, int], arrival: list[int]) -> None:
    ids = (CHAIN.placed, CHAIN.charged, CHAIN.closed)
    committed = {op_id.bytes: moment for op_id, moment in zip(ids, commit, strict=True)}
    records = [
        each._replace(delivered_ns=moment, handed_ns=moment)
        for each, moment in zip(DELIVERED, arrival, strict=False)
    ]

    found = hop_latencies_ns([CHAIN.placed], committed, deliveries(*records))

    assert all(latency >= 0 for latencies in found.values() for latency in latencies)


# A message, from its commit to its delivery; some were committed before the first interval.
MESSAGES = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=30)


@given(messages=MESSAGES, begins_ns=st.integers(0, 300), interval_ns=st.integers(1, 200))
def test_a_backlog_is_what_was_committed_and_not_delivered_and_ends_with_nothing(
    messages: list[tuple[int, int]], begins_ns: int, interval_ns: int
) -> None:
    committed = [moment for moment, _ in messages]
    delivered = [moment + later for moment, later in messages]

    counts = backlog_over_time(committed, delivered, begins_ns, interval_ns)

    for number, waiting in enumerate(counts, 1):
        end_ns = begins_ns + number * interval_ns
        arrived = sum(moment < end_ns for moment in committed)
        assert waiting == arrived - sum(moment < end_ns for moment in delivered) >= 0
    last_ns = max(delivered, default=-1)
    if last_ns >= begins_ns:
        assert counts[-1] == 0
        assert len(counts) == (last_ns - begins_ns) // interval_ns + 1
    else:
        assert counts == ()


@given(committed=st.lists(MOMENTS), delivered=st.lists(MOMENTS))
def test_a_backlog_is_never_negative_even_where_deliveries_were_invented(
    committed: list[int], delivered: list[int]
) -> None:
    assert min(backlog_over_time(committed, delivered, 0, 10), default=0) >= 0
