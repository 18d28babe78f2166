"""One peer library draining its own queue, in a process of its own.

Its job comes as a line of JSON on standard input, since it holds the password; it says `ready` once
everything is imported, connected and enqueued, begins at the next line, and answers with what it
took. What it drains are no-ops, as in the peers' own benchmarks.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from time import monotonic, process_time
from typing import Any

import uvloop
from psycopg.conninfo import make_conninfo


async def drain_pgqueuer(job: dict[str, Any]) -> None:
    """PgQueuer's own workload: empty payloads, two entrypoints."""
    import asyncpg
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries
    from pgqueuer.types import QueueExecutionMode

    address = job["address"]
    handled = 0

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(**address)

    first = Queries(AsyncpgDriver(await connect()))
    await first.install()
    entrypoints = ["syncfetch", "asyncfetch"] * job["messages"]
    chosen = random.Random(1).sample(entrypoints, k=job["messages"])
    await first.enqueue(chosen, [b""] * job["messages"], [0] * job["messages"])
    await first.driver.execute("ANALYZE")
    consumers = []
    for _ in range(job["tasks"]):
        consumer = PgQueuer(AsyncpgDriver(await connect()))

        async def nothing(_: Any) -> None:
            nonlocal handled
            handled += 1

        for entrypoint in ("asyncfetch", "syncfetch"):
            consumer.entrypoint(entrypoint)(nothing)
        consumers.append(consumer)
    await _begin()
    began_s, cpu_s = monotonic(), process_time()
    await asyncio.gather(
        *(
            consumer.run(batch_size=job["batch"], mode=QueueExecutionMode.drain)
            for consumer in consumers
        )
    )
    took_s, cpu_s = monotonic() - began_s, process_time() - cpu_s
    left = sum(each.count for each in await first.queue_size())
    _say(took_s=took_s, cpu_s=cpu_s, handled=handled, left=left)


async def drain_procrastinate(job: dict[str, Any]) -> None:
    """A worker that fetches jobs one by one and runs several at a time."""
    import procrastinate

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
            conninfo=conninfo, min_size=2, max_size=job["tasks"] + 3
        )
    )

    @app.task(name="nothing")
    async def nothing() -> None:
        nonlocal handled
        handled += 1

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await nothing.batch_defer_async(*({} for _ in range(job["messages"])))
        await app.connector.execute_query_async("ANALYZE")
        await _begin()
        began_s, cpu_s = monotonic(), process_time()
        await app.run_worker_async(
            wait=False,
            concurrency=job["tasks"],
            listen_notify=False,
            install_signal_handlers=False,
        )
        took_s, cpu_s = monotonic() - began_s, process_time() - cpu_s
        row = await app.connector.execute_query_one_async(
            "SELECT count(*) AS left FROM procrastinate_jobs WHERE status <> 'succeeded'"
        )
        _say(took_s=took_s, cpu_s=cpu_s, handled=handled, left=row["left"])


async def _begin() -> None:
    _say(event="ready")
    await asyncio.to_thread(sys.stdin.readline)


def _say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    described = json.loads(sys.stdin.readline())
    contestants = {"pgqueuer": drain_pgqueuer, "procrastinate": drain_procrastinate}
    uvloop.run(contestants[sys.argv[1]](described))
