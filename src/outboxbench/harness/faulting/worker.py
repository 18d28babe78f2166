"""One client process under faults. Its job comes as a line of JSON on standard input.

It may be killed at any moment: what it did up to then is in its journal.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from outboxbench.core.application.announcing import announced
from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.harness.child_answers import exit_code_of, say
from outboxbench.harness.faulting.connecting import open_persistently
from outboxbench.harness.faulting.job import ClientsJob
from outboxbench.harness.load.arrivals import Arrivals, arrival_times_ns
from outboxbench.harness.load.asking_again import AskingAgain
from outboxbench.harness.load.client_on_record import record_skipped, run_on_record
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.job import Window
from outboxbench.harness.load.journal import Journal
from outboxbench.harness.load.planted import slowed
from outboxbench.harness.load.worker import loop_factory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from outboxbench.core.application.ports import UnitsOfWork
    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.harness.load.arrivals import Arrival


def main() -> int:
    """Do the job that standard input describes; return the exit code."""
    return exit_code_of(_do_the_job)


def _do_the_job() -> None:
    strategy = load_strategy(sys.argv[1])
    job = ClientsJob.from_json(sys.stdin.readline())
    with asyncio.Runner(loop_factory=loop_factory(job.loop)) as runner:
        runner.run(_work(job, strategy))


async def _work(job: ClientsJob, strategy: Strategy) -> None:
    async with AsyncExitStack() as stack:
        persistence = await open_persistently(strategy, job.settings)
        stack.push_async_callback(persistence.close)
        units: UnitsOfWork = persistence
        if job.announces:
            units = await stack.enter_async_context(announced(persistence))
        if job.busy_wait_us:
            units = slowed(units, job.busy_wait_us)
        journal = Journal(Path(job.journal), job.worker)
        stack.callback(journal.close)
        say("ready")
        window = Window(**json.loads(await asyncio.to_thread(sys.stdin.readline)))
        with _arrivals(job, window) as arrivals:
            clients = asyncio.create_task(
                _run_clients(job, units, persistence.was_committed, journal, arrivals)
            )
            await asyncio.to_thread(sys.stdin.readline)
            arrivals.stop()
            # Where all hang to the end, nobody takes what was due: it is missing all the same.
            await asyncio.wait([clients], timeout=None if job.load is None else job.load.max_wait_s)
            _skip(arrivals.abandon(), job, journal)
            await clients
        say("done")


def _arrivals(job: ClientsJob, window: Window) -> Arrivals | AskingAgain:
    return AskingAgain() if job.load is None else Arrivals(arrival_times_ns(job.load, window))


async def _run_clients(
    job: ClientsJob,
    units: UnitsOfWork,
    was_committed: Callable[[UUID], Awaitable[bool]],
    journal: Journal,
    arrivals: Arrivals | AskingAgain,
) -> None:
    policy = job.retrying.policy()
    bus = bootstrap(units)
    max_wait_ns = math.inf if job.load is None else round(job.load.max_wait_s * 1e9)
    async with asyncio.TaskGroup() as tasks:
        for number in range(job.first_client, job.first_client + job.clients):
            mix = CommandMix(job.mix, job.dataset, f"{job.seed}/{job.worker}/{number}")
            tasks.create_task(
                run_on_record(
                    bus,
                    mix,
                    policy,
                    journal,
                    arrivals,
                    max_wait_ns,
                    number,
                    was_committed,
                )
            )


def _skip(arrivals: Sequence[Arrival], job: ClientsJob, journal: Journal) -> None:
    mix = CommandMix(job.mix, job.dataset, f"{job.seed}/{job.worker}/skipped")
    for arrival in arrivals:
        record_skipped(mix.next(), journal, arrival, job.first_client)


if __name__ == "__main__":
    sys.exit(main())
