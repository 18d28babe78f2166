"""One peer library draining its own queue, in a process of its own.

Its job comes as a line of JSON on standard input, since it holds the password; it says `ready` once
everything is imported, connected and enqueued, begins at the next line, and answers with what it
took. What it drains are no-ops, as in the peers' own benchmarks. It runs on uvloop, as our relay.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from time import monotonic, process_time
from typing import TYPE_CHECKING, Any

import uvloop
from psycopg.conninfo import make_conninfo

from outboxbench.harness.child_answers import say

if TYPE_CHECKING:
    from pgqueuer.models import Job


async def drain_pgqueuer(job: dict[str, Any]) -> None:
    """The drain of PgQueuer's own benchmark, tools/benchmark.py with `--strategy drain`.

    As there: asyncpg, the fastest of its drivers; a connection of its own for each consumer, whose
    other settings are the defaults; one entrypoint; empty payloads, enqueued at once; and the time
    of all consumers, from their start until each has seen that the queue is empty. Its progress bar
    is a counter here.
    """
    import asyncpg
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries
    from pgqueuer.types import QueueExecutionMode

    handled = 0

    async def connected() -> Queries:
        # Its authors turn off the compilation of queries on their server.
        connection = await asyncpg.connect(**job["address"], server_settings={"jit": "off"})
        return Queries(AsyncpgDriver(connection))

    async def fetch(_: Job) -> None:
        nonlocal handled
        handled += 1

    first = await connected()
    # All tables are logged by default: no job is lost in a crash, and with us no message is.
    await first.install()
    # What `pgq autovac` sets, which its authors run before their benchmark, and recommend.
    await first.optimize_autovacuum()
    await first.enqueue(["fetch"] * job["messages"], [b""] * job["messages"], [0] * job["messages"])
    consumers = []
    for _ in range(job["tasks"]):
        queries = await connected()
        consumer = PgQueuer(queries.driver, queries=queries)
        consumer.entrypoint("fetch")(fetch)
        consumers.append(consumer)
    await wait_for_the_word()
    began_s, cpu_s = monotonic(), process_time()
    await asyncio.gather(
        *(
            consumer.run(batch_size=job["batch"], mode=QueueExecutionMode.drain)
            for consumer in consumers
        )
    )
    took_s, cpu_s = monotonic() - began_s, process_time() - cpu_s
    left = sum(each.count for each in await first.queue_size())
    say("result", took_s=took_s, cpu_s=cpu_s, handled=handled, left=left)


async def drain_procrastinate(job: dict[str, Any]) -> None:
    """A worker that fetches jobs one by one and runs several at a time."""
    import procrastinate

    # It warns of an application in a main module: where jobs come from elsewhere that would matter.
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    address = job["address"]
    handled = 0
    conninfo = make_conninfo(
        host=address["host"],
        port=address["port"],
        user=address["user"],
        password=address["password"],
        dbname=address["database"],
    )
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=conninfo,
            # A connection for every job that runs, and some for the worker itself.
            min_size=job["tasks"] + 3,
            max_size=job["tasks"] + 3,
        )
    )

    @app.task(name="nothing")
    async def nothing() -> None:
        nonlocal handled
        handled += 1

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await nothing.batch_defer_async(*({} for _ in range(job["messages"])))
        await wait_for_the_word()
        began_s, cpu_s = monotonic(), process_time()
        await app.run_worker_async(
            wait=False,
            concurrency=job["tasks"],
            # The whole backlog is there: nothing is to be notified of.
            listen_notify=False,
            install_signal_handlers=False,
        )
        took_s, cpu_s = monotonic() - began_s, process_time() - cpu_s
        row = await app.connector.execute_query_one_async(
            "SELECT count(*) AS left FROM procrastinate_jobs WHERE status <> 'succeeded'"
        )
        say("result", took_s=took_s, cpu_s=cpu_s, handled=handled, left=row["left"])


async def wait_for_the_word() -> None:
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    described = json.loads(sys.stdin.readline())
    libraries = {"pgqueuer": drain_pgqueuer, "procrastinate": drain_procrastinate}
    uvloop.run(libraries[described["library"]](described))
