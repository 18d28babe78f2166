"""One worker process: one strategy, for one command after the other.

Its argument is the strategy. Each line on standard input is a job: it opens the strategy, warms it
up and says so. The next line names how many operations to run, one after the other; the one after
that has the strategy closed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import uvloop

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import Outcome
from outboxbench.core.application.retry import RetryPolicy, run_operation
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.harness.child_answers import exit_code_of, say
from outboxbench.harness.cost.answers import Measured
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.job import NEVER, Job
from outboxbench.harness.load.recorder import Recorder
from outboxbench.harness.load.warm_up import warm_up

if TYPE_CHECKING:
    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.harness.load.command_mix import Request

ONCE = RetryPolicy(1)
FURTHER_WARM_UPS = 12
"""The server settles on a plan when it has run a prepared statement for five times, and psycopg
prepares a statement only when it runs for the sixth time."""

SETTLING_S = 0.05
"""A connection may be given back, and reset, behind the answer that ends an operation."""


def main() -> int:
    """Do the jobs that standard input describes; return the exit code."""
    return exit_code_of(_do_the_jobs)


def _do_the_jobs() -> None:
    strategy = load_strategy(sys.argv[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            runner.run(_work(Job.from_json(line), strategy))
            say("closed")


async def _work(job: Job, strategy: Strategy) -> None:
    persistence = await strategy.open(job.settings)
    try:
        mix = CommandMix(job.mix, job.dataset, job.seed)
        recorder = Recorder(NEVER)

        async def run_each_command(bus: MessageBus, _: int) -> None:
            await _run(bus, mix.one_of_each(), recorder)

        await warm_up(persistence, job.settings.pool_size, run_each_command)
        bus = bootstrap(persistence)
        for _ in range(FURTHER_WARM_UPS):
            await run_each_command(bus, 0)
        await asyncio.sleep(SETTLING_S)
        say("ready")
        operations: int = json.loads(sys.stdin.readline())["operations"]
        requests = [mix.next() for _ in range(operations)]
        began_ns, began_cpu_ns = time.perf_counter_ns(), time.process_time_ns()
        await _run(bus, requests, recorder)
        ended_cpu_ns, ended_ns = time.process_time_ns(), time.perf_counter_ns()
        await asyncio.sleep(SETTLING_S)
        measured = Measured(
            wall_ns=ended_ns - began_ns,
            client_cpu_ns=ended_cpu_ns - began_cpu_ns,
            committed=dict(recorder.outcomes["ok"]),
            charged_cents=recorder.charged_cents,
        )
        say("measured", **asdict(measured))
        sys.stdin.readline()
    finally:
        await persistence.close()


async def _run(bus: MessageBus, requests: list[Request], recorder: Recorder) -> None:
    for request in requests:
        result = await run_operation(bus, request.command, request.op_id, ONCE)
        recorder.record(request, result, 0, 0)
        if result.outcome is not Outcome.OK:
            failure = "" if result.failure is None else f" ({result.failure.value})"
            raise RuntimeError(
                f"{request.name} ended {result.outcome.value}{failure} with no other client "
                "on the server: run the conformance suite over the strategy"
            )


if __name__ == "__main__":
    sys.exit(main())
