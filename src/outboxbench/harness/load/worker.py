"""One worker process: one strategy on one event loop, for one block.

Its argument is the strategy. Its job comes as a line of JSON on standard input, its answers go to
standard output, so that nothing depends on the interpreter that the harness runs on.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from outboxbench.core.application.announcing import announced
from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.retry import RetryPolicy, run_operation
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.harness.child_answers import exit_code_of, say
from outboxbench.harness.load.arrivals import Arrivals, arrival_times_ns
from outboxbench.harness.load.client import run_closed_loop, run_open_loop
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.job import NEVER, Job, Window
from outboxbench.harness.load.planted import slowed
from outboxbench.harness.load.recorder import Recorder, result_of
from outboxbench.harness.load.warm_up import warm_up
from outboxbench.harness.relaying.observed import ObservedUnitsOfWork
from outboxbench.harness.relaying.records import COMMIT, write_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.application.ports import UnitsOfWork
    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.harness.load.job import Loop


def main() -> int:
    """Do the job that standard input describes; return the exit code."""
    return exit_code_of(_do_the_job)


def _do_the_job() -> None:
    # Imports what it will measure while its database is still being made.
    strategy = load_strategy(sys.argv[1])
    job = Job.from_json(sys.stdin.readline())
    with asyncio.Runner(loop_factory=loop_factory(job.loop)) as runner:
        runner.run(_work(job, strategy))


def loop_factory(loop: Loop) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes an event loop of this kind; None is the standard library's."""
    if loop == "asyncio":
        return None
    import uvloop

    return uvloop.new_event_loop


async def _work(job: Job, strategy: Strategy) -> None:
    async with AsyncExitStack() as stack:
        persistence = await strategy.open(job.settings)
        stack.push_async_callback(persistence.close)
        units: UnitsOfWork = persistence
        if job.announces:
            units = await stack.enter_async_context(announced(persistence))
        observed = None if job.commits is None else ObservedUnitsOfWork(units)
        mixes = [
            CommandMix(job.mix, job.dataset, f"{job.seed}/{job.first_client + number}")
            for number in range(job.clients)
        ]
        early = Recorder(NEVER)

        async def run_each_command(bus: MessageBus, number: int) -> None:
            for request in mixes[number % len(mixes)].one_of_each():
                result = await run_operation(bus, request.command, request.op_id, RetryPolicy(1))
                early.record(request, result, 0, 0)

        await warm_up(observed or units, job.settings.pool_size, run_each_command)
        say("ready")
        window = Window(**json.loads(sys.stdin.readline()))
        recorder = Recorder(window, "end" if job.open_load is None else "start")
        units = observed or units
        if job.busy_wait_us:
            units = slowed(units, job.busy_wait_us)
        await _run_clients(job, bootstrap(units), mixes, recorder, window)
        if observed is not None and job.commits is not None:
            write_records(Path(job.commits), COMMIT, observed.commits)
        say("result", **asdict(result_of(recorder, early)))


async def _run_clients(
    job: Job, bus: MessageBus, mixes: list[CommandMix], recorder: Recorder, window: Window
) -> None:
    policy = RetryPolicy(job.max_attempts)
    with ExitStack() as stack:
        if job.open_load is None:
            clients = [
                run_closed_loop(bus, mix, policy, recorder, window.closes_ns) for mix in mixes
            ]
        else:
            arrivals = stack.enter_context(Arrivals(arrival_times_ns(job.open_load, window)))
            max_wait_ns = round(job.open_load.max_wait_s * 1e9)
            clients = [
                run_open_loop(bus, mix, policy, recorder, arrivals, max_wait_ns) for mix in mixes
            ]
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(client)


if __name__ == "__main__":
    sys.exit(main())
