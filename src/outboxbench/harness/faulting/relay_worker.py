"""One relay process under faults. Its job comes as a line of JSON on standard input.

It may be killed at any moment: what it delivered up to then is in its journal.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from outboxbench.core.application.bootstrap import bootstrap_delivery
from outboxbench.core.application.relay_service import RelayService
from outboxbench.core.application.relay_settings import SMALLEST_BATCH, RelaySettings
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.harness.child_answers import exit_code_of, say
from outboxbench.harness.faulting.connecting import connect_broker_persistently, open_persistently
from outboxbench.harness.faulting.delivery_journal import JournaledReceiver
from outboxbench.harness.faulting.job import FaultRelayJob
from outboxbench.harness.load.worker import loop_factory
from outboxbench.harness.relay_outbox import open_relay_outbox

if TYPE_CHECKING:
    from outboxbench.core.strategies.registry import Strategy


def main() -> int:
    """Do the job that standard input describes; return the exit code."""
    return exit_code_of(_do_the_job)


def _do_the_job() -> None:
    strategy = load_strategy(sys.argv[1])
    job = FaultRelayJob.from_json(sys.stdin.readline())
    with asyncio.Runner(loop_factory=loop_factory(job.loop)) as runner:
        runner.run(_work(job, strategy))


async def _work(job: FaultRelayJob, strategy: Strategy) -> None:
    async with AsyncExitStack() as stack:
        persistence = await open_persistently(strategy, job.settings)
        stack.push_async_callback(persistence.close)
        broker = await connect_broker_persistently(job.broker)
        stack.push_async_callback(broker.close)
        opened = await stack.enter_async_context(
            open_relay_outbox(
                job.plan, persistence, job.settings, lease_s=job.lease_s, wake_up=job.wake_up
            )
        )
        delivery = bootstrap_delivery(opened.units, opened.outbox, broker, concurrency=job.handlers)
        service = RelayService(
            opened.outbox,
            JournaledReceiver(delivery, Path(job.journal), job.number),
            RelaySettings(
                smallest_batch=min(job.batch, SMALLEST_BATCH),
                largest_batch=job.batch,
                max_in_flight=2 * job.batch,
                lease_s=job.lease_s,
            ),
            listen=opened.listen,
            doorbell=opened.doorbell,
        )
        say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        running = asyncio.create_task(service.run())
        await asyncio.to_thread(sys.stdin.readline)
        service.stop()
        await running
        say("done", **asdict(service.relay.tally))


if __name__ == "__main__":
    sys.exit(main())
