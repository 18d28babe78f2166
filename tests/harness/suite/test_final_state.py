"""What the harness reads off a database shows each kind of damage in the number meant for it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.load.dataset import LINES_PER_ORDER, OPENING_BALANCE_CENTS
from outboxbench.harness.postgres import final_state
from outboxbench.harness.postgres.final_state import read_final_state, wait_until_unused
from outboxbench.harness.postgres.server import connect
from outboxbench.results.final_state import FinalState

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress

SOUND = FinalState(
    operations=2 * 12 + 5,
    messages_by_topic={
        "account.opened": 12,
        "account.deposited": 12,
        "order.placed": 5,
        "order.stock_requested": 5,
    },
    balance_cents=12 * OPENING_BALANCE_CENTS,
    accounts_off_balance=0,
    order_lines_off_messages=0,
    aggregates_with_gaps=0,
    orphaned_messages=0,
    operations_with_gaps=0,
)
AN_ACCOUNT = "(SELECT id FROM accounts ORDER BY id LIMIT 1)"
AN_ORDER = "(SELECT id FROM orders ORDER BY id LIMIT 1)"
NEW_MESSAGE = (
    "INSERT INTO outbox"
    " (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)"
    " SELECT gen_random_uuid(), 0, 'order', {id}, {version}, 'order.confirmed', 2, '{{}}'"
)

# By hand, what each kind of damage does to the five numbers that are 0 in a sound database.
DAMAGE = {
    "the newest message is gone": (
        f"DELETE FROM outbox WHERE aggregate_id = {AN_ACCOUNT} AND version = 2",
        {"aggregates_with_gaps": 1, "accounts_off_balance": 1},
    ),
    "all messages of an aggregate are gone": (
        f"DELETE FROM outbox WHERE aggregate_id = {AN_ORDER}",
        {"aggregates_with_gaps": 1, "order_lines_off_messages": LINES_PER_ORDER},
    ),
    "an older message is gone": (
        f"DELETE FROM outbox WHERE aggregate_id = {AN_ACCOUNT} AND version = 1",
        {"aggregates_with_gaps": 1},
    ),
    "an operation lost its first message": (
        f"DELETE FROM outbox WHERE aggregate_id = {AN_ORDER} AND ordinal = 0",
        {"operations_with_gaps": 1},
    ),
    "an operation skipped an ordinal": (
        f"UPDATE outbox SET ordinal = 2 WHERE aggregate_id = {AN_ORDER} AND ordinal = 1",
        {"operations_with_gaps": 1},
    ),
    "an operation spread over two versions": (
        (
            "UPDATE outbox SET ordinal = version - 1,"
            " op_id = (SELECT op_id FROM outbox WHERE aggregate_type = 'account' LIMIT 1)"
            f" WHERE aggregate_id = {AN_ACCOUNT}"
        ),
        {"operations_with_gaps": 1},
    ),
    "a version was raised without a message": (
        f"UPDATE accounts SET version = version + 1 WHERE id = {AN_ACCOUNT}",
        {"aggregates_with_gaps": 1},
    ),
    "a message has no change": (
        NEW_MESSAGE.format(id=AN_ORDER, version=2),
        {"aggregates_with_gaps": 1},
    ),
    "a version is missing in between": (
        f"UPDATE orders SET version = 3 WHERE id = {AN_ORDER};"
        + NEW_MESSAGE.format(id=AN_ORDER, version=3),
        {"aggregates_with_gaps": 1},
    ),
    "an account's money changed on its own": (
        f"UPDATE accounts SET balance_cents = balance_cents - 1 WHERE id = {AN_ACCOUNT}",
        {"accounts_off_balance": 1},
    ),
    "money moved from one account to another": (
        (
            "UPDATE accounts SET balance_cents = balance_cents"
            f" + CASE WHEN id = {AN_ACCOUNT} THEN 5 ELSE -5 END"
            " WHERE id IN (SELECT id FROM accounts ORDER BY id LIMIT 2)"
        ),
        {"accounts_off_balance": 2},
    ),
    "a line is gone": (
        f"DELETE FROM order_lines WHERE order_id = {AN_ORDER} AND line_no = 1",
        {"order_lines_off_messages": 1},
    ),
    "a line appeared that no message tells of": (
        f"INSERT INTO order_lines SELECT {AN_ORDER}, 9, 'sku', 1, 1",
        {"order_lines_off_messages": 1},
    ),
    "a line has another quantity than its last message": (
        f"UPDATE order_lines SET quantity = 77 WHERE order_id = {AN_ORDER} AND line_no = 2",
        {"order_lines_off_messages": 1},
    ),
    "a line stays though its message says that it was removed": (
        f"UPDATE orders SET version = 2 WHERE id = {AN_ORDER};"
        + NEW_MESSAGE.format(id=AN_ORDER, version=2)
        .replace("order.confirmed", "order.line_removed")
        .replace("'{}'", """'{"line_no": 1}'"""),
        {"order_lines_off_messages": 1},
    ),
    "an aggregate vanished and left its messages": (
        f"DELETE FROM accounts WHERE id = {AN_ACCOUNT}",
        {"orphaned_messages": 2},
    ),
    "a message speaks of an aggregate that never was": (
        NEW_MESSAGE.format(id="gen_random_uuid()", version=1),
        {"orphaned_messages": 1},
    ),
    "a message bears another aggregate's type": (
        f"UPDATE outbox SET aggregate_type = 'account' WHERE aggregate_id = {AN_ORDER}",
        {"aggregates_with_gaps": 1, "orphaned_messages": 2},
    ),
}


def test_a_freshly_filled_database_is_sound(seeded: DatabaseAddress) -> None:
    assert read_final_state(seeded) == SOUND


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_shows_in_its_number(kind: str, seeded: DatabaseAddress) -> None:
    statements, expected = DAMAGE[kind]
    with connect(seeded) as connection:
        for statement in statements.split(";"):
            connection.execute(statement.encode())

    state = read_final_state(seeded)

    faults = {
        name: getattr(state, name)
        for name in (
            "accounts_off_balance",
            "order_lines_off_messages",
            "aggregates_with_gaps",
            "orphaned_messages",
            "operations_with_gaps",
        )
    }
    assert {name: count for name, count in faults.items() if count} == expected


def test_topics_are_counted(seeded: DatabaseAddress) -> None:
    with connect(seeded) as connection:
        connection.execute("DELETE FROM outbox WHERE topic = 'order.placed'")

    state = read_final_state(seeded)

    assert "order.placed" not in state.messages_by_topic
    assert state.operations_with_gaps == 5


def test_empty_tables_are_sound(seeded: DatabaseAddress) -> None:
    with connect(seeded) as connection:
        connection.execute("TRUNCATE accounts, orders, order_lines, outbox")

    empty = replace(SOUND, operations=0, messages_by_topic={}, balance_cents=0)

    assert read_final_state(seeded) == empty


def test_a_client_that_stays_is_reported(
    seeded: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(final_state, "_UNUSED_TIMEOUT_S", 0.05)
    with connect(seeded), pytest.raises(CannotRun, match="still has connections"):
        wait_until_unused(seeded)


def test_the_last_client_is_waited_for(seeded: DatabaseAddress) -> None:
    with connect(seeded) as client:
        waiting = threading.Thread(target=wait_until_unused, args=[seeded])
        waiting.start()
        waiting.join(timeout=0.1)
        assert waiting.is_alive()
        client.close()
        waiting.join(timeout=30)
        assert not waiting.is_alive()


def test_an_unused_database_is_not_waited_for(seeded: DatabaseAddress) -> None:
    wait_until_unused(seeded)
