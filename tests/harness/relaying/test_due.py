"""What was due beside what arrived, and how both come from one process to another."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from tests.harness.relaying.records import Delivery, deliveries

from outboxbench.harness.relaying.due import due_by_operations, received
from outboxbench.harness.relaying.records import COMMIT, DELIVERY, read_records, write_records
from outboxbench.results.deliveries import Place

if TYPE_CHECKING:
    from pathlib import Path

ORDER, ACCOUNT = uuid4(), uuid4()
PLACED, CHARGED = uuid4(), uuid4()


def test_an_order_is_due_to_handlers_and_to_the_warehouse_all_else_to_one_of_them() -> None:
    due = due_by_operations([PLACED], [CHARGED], deliveries())

    assert due.keys() == {(PLACED, 0), (PLACED, 1), (CHARGED, 0)}


def test_what_was_delivered_is_due_at_the_place_that_it_was_delivered_with() -> None:
    arrived = deliveries(
        Delivery(PLACED, 1, 20, aggregate_id=ORDER, version=1),
        Delivery(CHARGED, 0, 10, aggregate_id=ACCOUNT, version=4),
    )

    due = due_by_operations([PLACED], [CHARGED], arrived)

    assert due[PLACED, 1] == Place(ORDER, 1, 1)
    assert due[CHARGED, 0] == Place(ACCOUNT, 4, 0)


def test_what_nobody_committed_is_not_due_by_being_delivered() -> None:
    invented = uuid4()

    due = due_by_operations([PLACED], [], deliveries(Delivery(invented, 0, 5)))

    assert due.keys() == {(PLACED, 0), (PLACED, 1)}


def test_messages_are_received_in_the_order_of_their_arrival_each_as_often_as_it_came() -> None:
    due = {(PLACED, 0): Place(ORDER, 1, 0)}
    arrived = deliveries(Delivery(PLACED, 1, 30), Delivery(PLACED, 0, 20), Delivery(PLACED, 0, 40))

    found = received(due, arrived)

    assert found.due == due
    assert found.received == [(PLACED, 0), (PLACED, 1), (PLACED, 0)]


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    # Zeros at the end are part of an id.
    op_id = UUID(int=1 << 120).bytes
    commits = [(op_id, 2**62), (PLACED.bytes, 0)]
    arrivals = [(op_id, 3, ACCOUNT.bytes, 2**31 - 1, 5, 2**62)]
    write_records(tmp_path / "commits", COMMIT, commits)
    write_records(tmp_path / "deliveries", DELIVERY, arrivals)
    write_records(tmp_path / "nothing", DELIVERY, [])

    read = read_records(tmp_path / "commits", COMMIT)
    assert [(each["op_id"].tobytes(), int(each["committed_ns"])) for each in read] == commits
    [arrival] = read_records(tmp_path / "deliveries", DELIVERY)
    assert tuple(arrival[name].tobytes() for name in ("op_id", "aggregate_id")) == (
        op_id,
        ACCOUNT.bytes,
    )
    numbers = ("ordinal", "version", "handed_ns", "delivered_ns")
    assert [int(arrival[name]) for name in numbers] == [3, 2**31 - 1, 5, 2**62]
    assert len(read_records(tmp_path / "nothing", DELIVERY)) == 0
