"""Clients whose every attempt is on record, whatever becomes of them."""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING

from outboxbench.core.application.retry import run_operation
from outboxbench.harness.load.command_mix import CommandMix

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.application.retry import RetryPolicy
    from outboxbench.harness.load.arrivals import Arrival, Arrivals
    from outboxbench.harness.load.asking_again import AskingAgain
    from outboxbench.harness.load.command_mix import Request
    from outboxbench.harness.load.journal import Journal, JournaledOperation

_CODES = {name: code for code, name in enumerate(CommandMix.COMMANDS)}


async def run_on_record(
    bus: MessageBus,
    mix: CommandMix,
    policy: RetryPolicy,
    journal: Journal,
    arrivals: Arrivals | AskingAgain,
    max_wait_ns: float,
    client: int,
    was_committed: Callable[[UUID], Awaitable[bool]],
) -> None:
    """Run the operations that fall to this client until there are no more.

    One that has waited longer than `max_wait_ns` for a client is skipped: nobody waits for its
    answer any more.
    """
    while (arrival := await arrivals.take()) is not None:
        request = mix.next()
        if monotonic_ns() - arrival.due_ns > max_wait_ns:
            record_skipped(request, journal, arrival, client)
            continue
        operation = begin_on_record(request, journal, arrival.due_ns, client)
        result = await run_operation(
            bus,
            request.command,
            request.op_id,
            policy,
            was_committed=was_committed,
            new_attempt=operation,
        )
        operation.end(result)


def record_skipped(request: Request, journal: Journal, arrival: Arrival, client: int) -> None:
    """Put on record that nobody came to an operation in time."""
    begin_on_record(request, journal, arrival.due_ns, client).skip(request.op_id)


def begin_on_record(
    request: Request, journal: Journal, due_ns: int, client: int
) -> JournaledOperation:
    """Put on record that somebody comes to an operation that was due at a moment."""
    return journal.operation(
        _CODES[request.name], request.aggregate_id, request.charged_cents, due_ns, client
    )
