"""Writes the history of a block: what its clients have left, its faults, and the database."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from outboxbench.harness.faulting.delivery_journal import read_deliveries
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.journal import FAILURES, OUTCOMES, read_attempts
from outboxbench.harness.postgres.whole_state import read_whole_state
from outboxbench.results.history import AttemptLine, DeliveryLine, Header, HistoryWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.results.history import FaultLine, RelayLine


def write_history(
    path: Path,
    about: Mapping[str, Any],
    journals: Path,
    events: Sequence[FaultLine | RelayLine],
    address: DatabaseAddress,
    *,
    began_ns: int,
    began: object,
    messages: str,
) -> None:
    """Write everything that is known of a block.

    Args:
        path: the history.
        about: what it is of.
        journals: the folder with the clients' journals, and the relays' records if there are any.
        events: the injections, and what relays told of themselves.
        address: the database, which nobody uses any more.
        began_ns: when the block began, on the monotonic clock; all times count from there.
        began: the same moment, as the server told it.
        messages: the table that has every message.
    """
    with HistoryWriter(path) as writer:
        writer.write(Header(dict(about)))
        for line in chain(
            _attempts(journals, began_ns),
            events,
            _deliveries(journals, began_ns),
            read_whole_state(address, began, messages),
        ):
            writer.write(line)


def _attempts(folder: Path, began_ns: int) -> Iterator[AttemptLine]:
    def since(moment_ns: int) -> int | None:
        return int(moment_ns) - began_ns if moment_ns else None

    for records in read_attempts(folder):
        for record in records:
            yield AttemptLine(
                operation=int(record["operation"]),
                attempt=int(record["attempt"]),
                op_id=record["op_id"].tobytes().hex(),
                command=CommandMix.COMMANDS[record["command"]],
                aggregate_id=record["aggregate_id"].tobytes().hex(),
                cents=int(record["cents"]),
                client=int(record["client"]),
                due_ns=int(record["due_ns"]) - began_ns,
                began_ns=since(record["began_ns"]),
                commit_sent_ns=since(record["commit_sent_ns"]),
                ended_ns=since(record["ended_ns"]),
                stage=int(record["stage"]),
                outcome=OUTCOMES[record["outcome"]] or None,
                final=OUTCOMES[record["final"]] or None,
                failure=FAILURES[record["failure"]] or None,
            )


def _deliveries(folder: Path, began_ns: int) -> Iterator[DeliveryLine]:
    for record in read_deliveries(folder):
        yield DeliveryLine(
            op_id=record["op_id"].tobytes().hex(),
            ordinal=int(record["ordinal"]),
            aggregate_id=record["aggregate_id"].tobytes().hex(),
            version=int(record["version"]),
            delivered_ns=int(record["delivered_ns"]) - began_ns,
        )
