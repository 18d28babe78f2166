"""A backlog has as many messages as it says, of as many aggregates, each with a whole history."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, get_args

import pytest

from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.relaying.backlog import Backlog, Shape, fill
from outboxbench.harness.relaying.due import due_messages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    import psycopg

    from outboxbench.core.strategies.settings import DatabaseAddress

SHAPES: tuple[Shape, ...] = get_args(Shape)
IN_ORDER = """
    SELECT aggregate_id, version FROM outbox
    ORDER BY (regexp_replace(state ->> 'sku', 'sku-', ''))::integer
"""


@pytest.fixture
def connection(database: DatabaseAddress) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    prepare_database(database, "lease", announces=False)
    with connect(database) as connection:
        yield connection


def messages_in_order(
    connection: psycopg.Connection[tuple[object, ...]],
) -> list[tuple[object, object]]:
    """Each message's aggregate and version, in the order of commits; up to 1,000 of them."""
    return [(row[0], row[1]) for row in connection.execute(IN_ORDER)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("messages", "aggregates"), [(120, 12), (100, 7), (11, 4), (2, 2)])
def test_a_backlog_holds_what_it_says_and_each_aggregate_from_its_first_version(
    shape: Shape,
    messages: int,
    aggregates: int,
    connection: psycopg.Connection[tuple[object, ...]],
) -> None:
    fill(connection, Backlog(messages, aggregates, shape))

    histories: defaultdict[object, list[object]] = defaultdict(list)
    for aggregate_id, version in messages_in_order(connection):
        histories[aggregate_id].append(version)
    assert sum(map(len, histories.values())) == messages
    assert len(histories) == aggregates
    for versions in histories.values():
        assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_backlog_is_the_same_when_its_messages_are_committed_one_by_one(
    shape: Shape, connection: psycopg.Connection[tuple[object, ...]]
) -> None:
    contents = "SELECT * FROM outbox ORDER BY op_id"
    without_times = f"SELECT to_jsonb(m) - 'created_at' FROM ({contents}) AS m"
    backlog = Backlog(60, 7, shape)
    fill(connection, backlog)
    at_once = connection.execute(without_times.encode()).fetchall()
    connection.execute("TRUNCATE outbox")

    fill(connection, backlog, one_by_one=True)

    assert connection.execute(without_times.encode()).fetchall() == at_once
    durability = connection.execute("SHOW synchronous_commit").fetchone()
    assert durability == ("on",)


@pytest.mark.parametrize("shape", SHAPES)
def test_all_of_a_backlog_waits_for_somebody(
    shape: Shape, connection: psycopg.Connection[tuple[object, ...]]
) -> None:
    fill(connection, Backlog(50, 5, shape))

    waiting = connection.execute(
        "SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND audience > 0"
    ).fetchone()
    assert waiting == (50,)
    due = due_messages(connection, "-infinity")
    assert len(due) == 50
    assert due_messages(connection, "infinity") == {}


def test_aggregates_take_turns_where_they_are_interleaved(
    connection: psycopg.Connection[tuple[object, ...]],
) -> None:
    fill(connection, Backlog(30, 5, "interleaved"))

    order = [aggregate_id for aggregate_id, _ in messages_in_order(connection)]
    assert len(set(order[:5])) == 5
    assert order == order[:5] * 6


def test_aggregates_have_their_messages_in_a_row_where_they_are_clustered(
    connection: psycopg.Connection[tuple[object, ...]],
) -> None:
    fill(connection, Backlog(33, 5, "clustered"))

    order = [aggregate_id for aggregate_id, _ in messages_in_order(connection)]
    changes = sum(a != b for a, b in pairwise(order))
    assert changes == 4


def test_half_of_the_messages_are_of_one_aggregate_where_it_is_hot(
    connection: psycopg.Connection[tuple[object, ...]],
) -> None:
    fill(connection, Backlog(80, 9, "hot"))

    counts = Counter(aggregate_id for aggregate_id, _ in messages_in_order(connection))
    [(hot, most), *others] = counts.most_common()
    assert most == 40
    assert {count for _, count in others} == {5}
    order = [aggregate_id for aggregate_id, _ in messages_in_order(connection)]
    assert set(order[::2]) == {hot}


def test_messages_are_due_at_their_places(
    connection: psycopg.Connection[tuple[object, ...]],
) -> None:
    fill(connection, Backlog(10, 2))

    places: defaultdict[UUID, list[int]] = defaultdict(list)
    for place in due_messages(connection, "-infinity").values():
        places[place.aggregate_id].append(place.version)
        assert place.ordinal == 0
    assert [sorted(versions) for versions in places.values()] == [[1, 2, 3, 4, 5]] * 2
