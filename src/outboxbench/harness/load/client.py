"""A client of a closed loop: it asks, waits for the outcome, and asks again at once."""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING

from outboxbench.core.application.retry import RetryPolicy, run_operation

if TYPE_CHECKING:
    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.harness.load.command_mix import CommandMix
    from outboxbench.harness.load.recorder import Recorder


async def run_client(
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
