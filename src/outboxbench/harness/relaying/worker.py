"""One relay process under measurement. Its job comes as a line of JSON on standard input."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from time import monotonic_ns, process_time_ns
from typing import TYPE_CHECKING

from outboxbench.core.application.bootstrap import bootstrap_delivery
from outboxbench.core.application.relay import Relay
from outboxbench.core.application.relay_service import RelayService
from outboxbench.core.application.relay_settings import SMALLEST_BATCH, RelaySettings, RelayTally
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.harness.child_answers import exit_code_of, say
from outboxbench.harness.load.worker import loop_factory
from outboxbench.harness.relay_outbox import open_relay_outbox
from outboxbench.harness.relaying.brokers import connect_broker
from outboxbench.harness.relaying.job import RelayJob, RelayResult
from outboxbench.harness.relaying.observed import ObservedReceiver, ObservedUnitsOfWork
from outboxbench.harness.relaying.records import COMMIT, DELIVERY, write_records

if TYPE_CHECKING:
    from outboxbench.core.application.ports import Outbox
    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.harness.relay_outbox import OpenOutbox


def main() -> int:
    """Do the job that standard input describes; return the exit code."""
    return exit_code_of(_do_the_job)


def _do_the_job() -> None:
    strategy = load_strategy(sys.argv[1])
    job = RelayJob.from_json(sys.stdin.readline())
    with asyncio.Runner(loop_factory=loop_factory(job.loop)) as runner:
        runner.run(_work(job, strategy))


async def _work(job: RelayJob, strategy: Strategy) -> None:
    async with AsyncExitStack() as stack:
        persistence = await strategy.open(job.settings)
        stack.push_async_callback(persistence.close)
        broker = await connect_broker(job.broker)
        stack.push_async_callback(broker.close)
        opened = await stack.enter_async_context(
            open_relay_outbox(
                job.plan,
                persistence,
                job.settings,
                lease_s=job.lease_s,
                wake_up=job.wake_up,
            )
        )
        units = ObservedUnitsOfWork(opened.units)
        delivery = bootstrap_delivery(units, opened.outbox, broker, concurrency=job.handlers)
        receiver = ObservedReceiver(delivery, job.busy_us)
        result = await _relay(job, opened, receiver)
        # Its connections are kept until whoever measures has seen what their backends have used.
        say("settled")
        await asyncio.to_thread(sys.stdin.readline)
    folder = Path(job.records)
    write_records(folder / f"{job.name}.commits", COMMIT, units.commits)
    write_records(folder / f"{job.name}.deliveries", DELIVERY, receiver.deliveries)
    say("result", **asdict(result))


async def _relay(job: RelayJob, opened: OpenOutbox, receiver: ObservedReceiver) -> RelayResult:
    settings = RelaySettings(
        smallest_batch=min(job.batch, SMALLEST_BATCH),
        largest_batch=job.batch,
        max_in_flight=2 * job.batch,
        lease_s=job.lease_s,
    )
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    began_ns, cpu_ns = monotonic_ns(), process_time_ns()
    if job.backlog is None:
        tally = await _run(opened, receiver, settings)
    elif job.plan == "log":
        tally = await _deliver(job.backlog, opened, receiver, settings)
    else:
        tally = await _drain(opened.outbox, receiver, settings)
    return RelayResult(
        delivered=tally.delivered,
        refused=tally.refused,
        dead=tally.dead,
        late=tally.late,
        outages=tally.outages,
        began_ns=began_ns,
        ended_ns=monotonic_ns(),
        cpu_ns=process_time_ns() - cpu_ns,
    )


async def _run(
    opened: OpenOutbox, receiver: ObservedReceiver, settings: RelaySettings
) -> RelayTally:
    service = RelayService(
        opened.outbox, receiver, settings, listen=opened.listen, doorbell=opened.doorbell
    )
    running = asyncio.create_task(service.run())
    await asyncio.to_thread(sys.stdin.readline)
    service.stop()
    await running
    return service.relay.tally


async def _drain(outbox: Outbox, receiver: ObservedReceiver, settings: RelaySettings) -> RelayTally:
    relay = Relay(outbox, receiver, settings)
    await relay.drain()
    await outbox.close()
    return relay.tally


async def _deliver(
    messages: int, opened: OpenOutbox, receiver: ObservedReceiver, settings: RelaySettings
) -> RelayTally:
    """Drain a log: that there is nothing to claim does not say that nothing is on its way here."""
    relay = Relay(opened.outbox, receiver, settings, opened.doorbell)
    receiver.call_after(messages, relay.stop)
    await relay.run()
    return relay.tally


if __name__ == "__main__":
    sys.exit(main())
