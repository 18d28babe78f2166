"""Clients: those of a closed loop ask again at once, those of an open loop when it is time."""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING

from outboxbench.core.application.retry import RetryPolicy, run_operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.harness.load.arrivals import Arrivals
    from outboxbench.harness.load.command_mix import CommandMix
    from outboxbench.harness.load.recorder import Recorder


async def run_closed_loop(
    bus: MessageBus, mix: CommandMix, policy: RetryPolicy, recorder: Recorder, closes_ns: int
) -> None:
    """Run one operation after the other until the window is closed."""
    began_ns = ended_ns = monotonic_ns()
    idle_ns = 0
    while ended_ns < closes_ns:
        request = mix.next()
        started_ns = monotonic_ns()
        idle_ns += started_ns - ended_ns
        result = await run_operation(bus, request.command, request.op_id, policy)
        ended_ns = monotonic_ns()
        # Recorded after the clock is read, so what it costs counts as the harness's own time.
        recorder.record(request, result, started_ns, ended_ns)
    recorder.idle_ns += idle_ns
    recorder.running_ns += ended_ns - began_ns


async def run_open_loop(
    bus: MessageBus,
    mix: CommandMix,
    policy: RetryPolicy,
    recorder: Recorder,
    arrivals: Arrivals,
    max_wait_ns: int,
    now_ns: Callable[[], int] = monotonic_ns,
) -> None:
    """Run the operations that fall to this client until there are no more.

    One that has waited longer than `max_wait_ns` for a client is skipped: nobody waits for its
    answer any more. Latencies run from when an operation was due.
    """
    while (arrival := await arrivals.take()) is not None:
        started_ns = now_ns()
        if started_ns - arrival.due_ns > max_wait_ns:
            recorder.skip(arrival)
            continue
        request = mix.next()
        result = await run_operation(bus, request.command, request.op_id, policy)
        ended_ns = now_ns()
        recorder.record(request, result, arrival.due_ns, ended_ns)
        recorder.record_lag(arrival, started_ns)
