"""A line for each message, on a real pipe."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

import pytest
from tests.core.brokers.messages import message_of

from outboxbench.core.application.delivery import Unavailable
from outboxbench.core.brokers.lines import LinesBroker

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_message_is_a_line_of_json_that_tells_all_about_it(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    message = message_of(version=3, ordinal=1, state='{"sku": "Käse \\"alt\\"\\n", "lines": [1]}')
    with path.open("w") as stream:
        await LinesBroker(stream).publish(message)
        # Confirmed means that another process sees it.
        (line,) = path.read_text().splitlines()
    assert json.loads(line) == {
        "id": f"{message.op_id}/1",
        "topic": "order.placed",
        "aggregate_type": "order",
        "aggregate_id": str(message.aggregate_id),
        "version": 3,
        "ordinal": 1,
        "state": {"sku": 'Käse "alt"\n', "lines": [1]},
    }


async def test_messages_are_written_in_the_order_in_which_they_are_published(
    tmp_path: Path,
) -> None:
    messages = [message_of() for _ in range(20)]
    with (tmp_path / "lines").open("w+") as stream:
        broker = LinesBroker(stream)
        for message in messages:
            await broker.publish(message)
        await broker.close()
        assert not stream.closed
        stream.seek(0)
        assert [json.loads(line)["id"] for line in stream] == [each.id for each in messages]


async def test_a_reader_that_went_away_is_an_outage_and_no_fault_of_the_message() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    with pytest.raises(Unavailable, match=r"^nobody reads the messages: Broken pipe$"):
        await LinesBroker(stream).publish(message_of())
    # It would try again what it could not write.
    with contextlib.suppress(BrokenPipeError):
        stream.close()
