"""The relay as a process: what it delivers when it is killed, frozen, cut off or fed nonsense."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, get_args

import pytest
from tests.e2e.relays import LINES, ORDER_TOPICS, WAITS_AT_THE_BARRIER
from tests.slow import one_is_quick

from outboxbench.analysis.relay_checks import judge_chain
from outboxbench.core.application.outbox import RelayPlan
from outboxbench.core.domain.ordering import OrderLine
from outboxbench.harness.postgres.chain_state import read_chain
from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import World
    from tests.e2e.relays import Relays, Shop

    from outboxbench.core.strategies.settings import DatabaseAddress

PLANS = one_is_quick(get_args(RelayPlan))

# Too much for a pipe: whoever writes it waits until somebody reads.
LARGE_ORDER = [OrderLine(number, "x" * 1_000, 1, 1) for number in range(1, 201)]


@pytest.mark.parametrize("plan", PLANS)
def test_a_relay_killed_between_delivery_and_settlement_leaves_the_message_to_the_next(
    plan: RelayPlan,
    relays: Relays,
    shop: Shop,
    wait_for: Callable[[Callable[[], bool]], bool],
) -> None:
    prepare_database(shop.address, plan, announces=True)
    (order_id,) = shop.place(1)
    shop.raise_barrier()
    killed = relays.start("--plan", plan)
    assert wait_for(lambda: bool(shop.pids(WAITS_AT_THE_BARRIER)))
    killed.process.kill()
    killed.end()
    # The server would finish what the relay has asked for, and not notice that nobody listens.
    shop.end_backends(shop.pids(WAITS_AT_THE_BARRIER))
    shop.lift_barrier()
    delivered = [message["id"] for message in killed.received]
    assert delivered

    following = relays.start("--plan", plan)
    assert wait_for(lambda: shop.undelivered() == 0)
    following.process.terminate()
    following.end()
    assert following.process.returncode == 0
    assert set(delivered) <= {message["id"] for message in following.received}
    of_order = [
        each["topic"] for each in following.received if each["aggregate_id"] == str(order_id)
    ]
    assert of_order == ORDER_TOPICS
    assert shop.count("SELECT count(*) FROM accounts WHERE balance_cents = 0") == 1


@pytest.mark.parametrize("plan", PLANS)
def test_a_relay_that_freezes_past_its_lease_is_replaced_and_its_settlement_refused(
    plan: RelayPlan,
    relays: Relays,
    shop: Shop,
    wait_for: Callable[[Callable[[], bool]], bool],
) -> None:
    prepare_database(shop.address, plan, announces=True)
    frozen = relays.start("--plan", plan)
    frozen.stop_reading()
    (order_id,) = shop.place(1, LARGE_ORDER)
    # It waits in the middle of a message; frozen, it does not renew its lease either.
    assert wait_for(lambda: shop.count("SELECT count(*) FROM inbox") > 0)
    frozen.process.send_signal(signal.SIGSTOP)
    other = relays.start("--plan", plan)
    assert wait_for(lambda: shop.undelivered() == 0)
    frozen.process.send_signal(signal.SIGCONT)
    frozen.read_on()
    frozen.process.terminate()
    frozen.end()
    other.process.terminate()
    other.end()
    of_order = [each["topic"] for each in other.received if each["aggregate_id"] == str(order_id)]
    assert of_order == ORDER_TOPICS
    assert "0 settled too late" not in frozen.said[-1]
    assert frozen.said[-1].endswith("settled too late\n")
    assert other.said[-1].endswith("0 settled too late\n")
    assert shop.count("SELECT count(*) FROM accounts WHERE balance_cents = 0") == 1


@pytest.mark.parametrize("plan", ["lease", "sharded"])
def test_orders_are_charged_once_and_in_order_though_relays_are_killed_all_the_time(
    plan: RelayPlan,
    relays: Relays,
    shop: Shop,
    wait_for: Callable[[Callable[[], bool]], bool],
) -> None:
    prepare_database(shop.address, plan, announces=True)
    relays.start("--plan", plan)
    for _ in range(4):
        victim = relays.start("--plan", plan, "--batch", "20")
        shop.place(30)
        victim.process.kill()
    assert wait_for(lambda: shop.undelivered() == 0)
    check = judge_chain(read_chain(shop.address))
    assert check.verdict == "pass", check.detail
    for run in relays.runs:
        seen: dict[str, tuple[int, int]] = {}
        for message in run.received:
            place = (message["version"], message["ordinal"])
            assert place > seen.get(message["aggregate_id"], (0, 0)), "out of order"
            seen[message["aggregate_id"]] = place


def test_a_relay_whose_connections_are_all_cut_carries_on(
    relays: Relays,
    shop: Shop,
    wait_for: Callable[[Callable[[], bool]], bool],
) -> None:
    prepare_database(shop.address, "lease", announces=True)
    relay = relays.start()
    shop.place(1)
    assert wait_for(lambda: shop.undelivered() == 0)
    shop.end_backends(
        shop.pids(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'outboxbench'"
        )
    )
    shop.place(2)
    assert wait_for(lambda: shop.undelivered() == 0)
    relay.process.terminate()
    relay.end()
    assert relay.process.returncode == 0
    assert not any("Traceback" in line for line in relay.said)


NONSENSE = {
    "a payload that cannot be decoded": ("order.placed", '{"account_id": 7}', "no text"),
    "an unknown topic": ("order.vanished", "{}", "no handler here knows the topic"),
    "an unknown message version": ("order.placed", '{"format": 9}', "it has format 9"),
    "a handler that raises": (
        "order.placed",
        '{"account_id": "00000000-0000-0000-0000-000000000001", "total_cents": 1}',
        "ChargeAccount failed with AggregateNotFound",
    ),
}


@pytest.mark.parametrize("nonsense", one_is_quick(NONSENSE))
def test_a_message_that_cannot_be_handled_is_shown_kept_and_tried_again(
    nonsense: str,
    world: World,
    relays: Relays,
    shop: Shop,
    wait_for: Callable[[Callable[[], bool]], bool],
) -> None:
    topic, state, reason = NONSENSE[nonsense]
    prepare_database(shop.address, "lease", announces=True)
    poisoned = "7f7c0a9e-52f1-4d7c-9a3e-0b8d0f2f4c11"
    shop.connection.execute(
        "INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic,"
        " audience, state) VALUES (gen_random_uuid(), 0, 'order', %s, 1, %s, 1, %s)",
        (poisoned, topic, state),
    )
    relay = relays.start()
    shop.place(3)
    assert wait_for(lambda: shop.undelivered() == 1)
    assert wait_for(lambda: shop.count("SELECT count(*) FROM relay_refusals") == 1)
    assert relay.process.poll() is None

    status = json.loads(world.call("relay", "status", "--json").stdout)
    (refused,) = status["refused"]
    assert (status["undelivered"], status["held"]) == (1, 1)
    assert (refused["aggregate_id"], refused["topic"]) == (poisoned, topic)
    assert reason in refused["reason"]
    shown = world.call("relay", "status").stdout
    assert poisoned[:8] in shown
    assert "relay redrive" in shown

    # Once the cause is gone, here its audience, it is delivered like any other.
    shop.connection.execute("UPDATE outbox SET audience = 2 WHERE aggregate_id = %s", (poisoned,))
    redriven = world.call("relay", "redrive", "--aggregate", poisoned)
    # By then it may have been tried, and delivered, on its own account.
    assert redriven.stdout in (
        "1 message will be tried again\n",
        "0 messages will be tried again\n",
    )
    assert wait_for(lambda: shop.undelivered() == 0)
    assert wait_for(lambda: poisoned in {each["aggregate_id"] for each in relay.received})


def test_what_is_asked_wrongly_is_answered_in_a_sentence(
    world: World, database: DatabaseAddress, dsn_of: Callable[[DatabaseAddress], str]
) -> None:
    dsn = dsn_of(database)
    foreign = dsn_of(database.with_database("postgres"))
    for arguments, answer in (
        (("run",), "no database is named: set OUTBOXBENCH_DSN, or give --dsn"),
        (("run", "--dsn", foreign), "the database postgres is left alone: name one whose name"),
        (("run", "--dsn", dsn, "--plan", "magic"), "there is no relay plan 'magic': take lease"),
        (("run", "--dsn", dsn, "--broker", "rabbit"), "there is no broker 'rabbit': write nats:"),
        (("run", "--dsn", dsn, "--strategy", "memory"), "the strategy memory needs no server"),
        (("status", "--dsn", dsn + "x"), "cannot be reached"),
        (("redrive", "--dsn", dsn, "--aggregate", "7"), "'7' is no id of an aggregate"),
    ):
        result = world.call("relay", *arguments)
        assert result.returncode == 2, result.stderr
        assert answer in result.stderr
        assert "Traceback" not in result.stderr


def test_a_database_that_no_relay_has_seen_has_no_status(
    world: World, database: DatabaseAddress, dsn_of: Callable[[DatabaseAddress], str]
) -> None:
    result = world.call("relay", "status", "--dsn", dsn_of(database))
    assert result.returncode == 2
    assert "start one with `outboxbench relay run`" in result.stderr


def test_lines_are_the_messages_for_the_outside(
    relays: Relays, shop: Shop, wait_for: Callable[[Callable[[], bool]], bool]
) -> None:
    prepare_database(shop.address, "lease", announces=True)
    relay = relays.start()
    (order_id,) = shop.place(1)
    assert wait_for(lambda: shop.undelivered() == 0)
    assert wait_for(lambda: len(relay.received) == 4)
    placed = next(each for each in relay.received if each["topic"] == "order.placed")
    assert placed["aggregate_id"] == str(order_id)
    assert (placed["version"], placed["ordinal"]) == (1, 0)
    assert placed["state"]["total_cents"] == sum(line.total_cents for line in LINES)
