"""How an outbox stands, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from outboxbench.core.application.outbox import OutboxStatus, RefusedMessage


def print_outbox(console: Console, status: OutboxStatus) -> None:
    """Print what waits, and each message that holds its aggregate up."""
    if not status.undelivered:
        console.print(
            "nothing waits to be delivered"
            if status.retained_wal_bytes is None
            else "nothing is held up"
        )
    else:
        console.print(
            f"{status.undelivered:,} messages of {status.aggregates:,} aggregates wait, "
            f"the oldest for {status.oldest_s:.1f} s; {status.held:,} of them are held up"
        )
    if status.retained_wal_bytes is not None:
        console.print(
            f"the server keeps {status.retained_wal_bytes / 1_000_000:,.1f} MB of its log for a "
            "relay; what that holds undelivered only the relay itself can tell"
        )
    if status.refused:
        console.print(_refused_table(status))
        console.print(
            "each holds up what follows it in its aggregate; once its cause is gone: "
            "`outboxbench relay redrive`"
        )


def _refused_table(status: OutboxStatus) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for column in ("aggregate", "version", "topic", "refused", "next attempt", "reason"):
        table.add_column(column, overflow="fold")
    for message in status.refused:
        table.add_row(
            f"{message.aggregate_type} {message.aggregate_id}",
            f"{message.version}/{message.ordinal}",
            message.topic,
            f"{message.refusals}×",
            _next_attempt(message),
            Text(message.reason),
        )
    return table


def _next_attempt(message: RefusedMessage) -> str:
    if message.next_attempt_at is None:
        return "dead"
    return f"{message.next_attempt_at:%H:%M:%S}"
