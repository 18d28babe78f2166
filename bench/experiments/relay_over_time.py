"""A relay under steady load: how fast it claims, and how large what it leaves behind becomes.

    python bench/experiments/relay_over_time.py --seconds 60 --rate 2000

Messages are stored at a steady rate and delivered to a receiver that does nothing, in three
scenarios. `kept`: delivered rows stay. `tidied`: they are removed after a while, so that tables and
indexes have to stay of one size, which is judged. `held`: the same, while another session keeps a
snapshot from the first third on, as a forgotten psql or a long report does: nothing that died since
may be vacuumed away, so whoever looks for messages has to step over all that were delivered.

Sizes are those of the outbox and of what a plan keeps beside it: its leases, and each `op_id` where
messages are deleted. Dead rows are those of the outbox, as the server's statistics have them: some
second ago. The exit code is 1 where the sizes of a relay that is tidied up after are not bounded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, get_args

from outboxbench.core.application.outbox import RelayPlan
from outboxbench.core.application.relay_service import Housekeeping, RelayService
from outboxbench.core.application.relay_settings import RelaySettings
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.relay_database import prepare_database
from relay_over_time_chart import draw
from relay_series import Scenario, Series, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from outboxbench.core.application.outbox import OutboxMessage, Run
    from outboxbench.core.application.ports import Outbox
    from outboxbench.core.strategies.settings import DatabaseAddress

STORE = """
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
    SELECT gen_random_uuid(), 0, 'order', gen_random_uuid(), 1, 'order.line_changed', 2,
           '{"line_no": 1, "quantity": 2}'
    FROM generate_series(1, %s)
"""
SIZES = """
    SELECT sum(n_dead_tup) FILTER (WHERE relname = 'outbox')::bigint,
           sum(pg_relation_size(relid))::bigint, sum(pg_indexes_size(relid))::bigint,
           (SELECT count(*) FROM outbox WHERE delivered_at IS NULL)
    FROM pg_stat_user_tables WHERE relname IN ('outbox', 'relay_leases', 'operations')
"""
STORED_TOGETHER_EVERY_S = 0.02
LEASE_S = 10.0
TIDIED_EVERY_S = 0.5
TIDIED_TOGETHER = 1_000
LEAST_SECONDS = 6
LEAST_KEEP_S = 2.0
HEADING = (
    f"{'plan':8}{'scenario':9}{'claim ms: first':>16}{'last':>7}{'dead rows':>11}"
    f"{'tables MB':>11}{'index MB':>9}{'waiting':>9}"
)


class TimedOutbox:
    """An outbox that notes how long it takes to claim."""

    def __init__(self, outbox: Outbox) -> None:
        self.claims_ms: list[float] = []
        self._outbox = outbox

    async def claim(self, limit: int) -> Sequence[Run]:
        began_s = time.perf_counter()
        runs = await self._outbox.claim(limit)
        if runs:
            self.claims_ms.append((time.perf_counter() - began_s) * 1000)
        return runs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)


class Nowhere:
    """Takes every message at once."""

    async def deliver(self, message: OutboxMessage) -> None:
        """Forget it."""


async def observe(
    address: DatabaseAddress,
    settings: StrategySettings,
    series: Series,
    housekeeping: Housekeeping | None,
    load: tuple[int, int],
) -> None:
    """Let a relay deliver what is stored for so many seconds at such a rate, and watch it."""
    seconds, rate = load
    persistence = await load_strategy("asyncpg").open(settings)
    outbox = TimedOutbox(persistence.outbox(series.plan, LEASE_S))
    service = RelayService(
        outbox,
        Nowhere(),
        RelaySettings(poll_s=0.05, lease_s=LEASE_S),
        housekeeping=housekeeping,
        observe=lambda told: _warn(series, told),
    )
    running = asyncio.create_task(service.run())
    storing = asyncio.create_task(asyncio.to_thread(_store, address, seconds, rate))
    watcher, holder = connect(address), connect(address)
    began_s = time.monotonic()
    try:
        for second in range(seconds):
            if series.scenario == "held" and second == seconds // 3:
                _keep_a_snapshot(holder)
            await asyncio.sleep(began_s + second + 1 - time.monotonic())
            claims, outbox.claims_ms = outbox.claims_ms, []
            series.claim_ms.append(median(claims) if claims else None)
            series.delivered.append(service.relay.tally.delivered)
            await asyncio.to_thread(_note_sizes, watcher, series)
    finally:
        watcher.close()
        holder.close()
        service.stop()
        await asyncio.gather(running, storing)
        await persistence.close()


def _warn(series: Series, told: str) -> None:
    print(f"{series.plan} {series.scenario}: {told.splitlines()[0]}", file=sys.stderr)


def _keep_a_snapshot(holder: psycopg.Connection[Any]) -> None:
    holder.autocommit = False
    holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    holder.execute("SELECT 1 FROM outbox LIMIT 1")


def _note_sizes(watcher: psycopg.Connection[Any], series: Series) -> None:
    dead_rows, table_bytes, index_bytes, waiting = watcher.execute(SIZES).fetchone() or (0,) * 4
    series.dead_rows.append(dead_rows)
    series.table_bytes.append(table_bytes)
    series.index_bytes.append(index_bytes)
    series.waiting.append(waiting)


def _store(address: DatabaseAddress, seconds: int, rate: int) -> None:
    batch = max(1, round(rate * STORED_TOGETHER_EVERY_S))
    with connect(address) as connection:
        due_s = time.monotonic()
        ends_s = due_s + seconds
        while due_s < ends_s:
            connection.execute(STORE, (batch,))
            due_s += STORED_TOGETHER_EVERY_S
            time.sleep(max(0.0, due_s - time.monotonic()))


def measure(options: argparse.Namespace, keep_s: float) -> list[Series]:
    """Run every plan in every scenario, each on a database of its own."""
    measured: list[Series] = []
    tidying = Housekeeping(keep_s, TIDIED_EVERY_S, TIDIED_TOGETHER)
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor, {"autovacuum_naptime": "1s"}))
        databases = stack.enter_context(Databases(server, "overtime"))
        print(HEADING)
        for scenario in options.scenarios:
            for plan in options.plans:
                address = databases.create(f"{plan}_{scenario}")
                with connect(address) as connection:
                    connection.execute(schema_sql())
                major = prepare_database(address, plan, announces=False)
                settings = StrategySettings(address, pool_size=4, server_major=major).for_relay(
                    LEASE_S
                )
                series = Series(plan, scenario)
                housekeeping = None if scenario == "kept" else tidying
                load = (options.seconds, options.rate)
                asyncio.run(observe(address, settings, series, housekeeping, load))
                databases.drop(address)
                measured.append(series)
                _print(series)
    return measured


def _print(series: Series) -> None:
    third = len(series.claim_ms) // 3
    before = [each for each in series.claim_ms[1:third] if each is not None]
    last = [each for each in series.claim_ms[-max(1, third // 2) :] if each is not None]
    print(
        f"{series.plan:8}{series.scenario:9}{_median_text(before):>16}{_median_text(last):>7}"
        f"{series.dead_rows[-1]:>11,}{series.table_bytes[-1] / 1e6:>11.1f}"
        f"{series.index_bytes[-1] / 1e6:>9.1f}{series.waiting[-1]:>9,}",
        flush=True,
    )


def _median_text(claims_ms: list[float]) -> str:
    return f"{median(claims_ms):.2f}" if claims_ms else "-"


def all_bounded(measured: Sequence[Series]) -> bool:
    """Print a verdict on each relay that was tidied up after; return whether all are bounded."""
    kept = {series.plan: series for series in measured if series.scenario == "kept"}
    tidied = [series for series in measured if series.scenario == "tidied"]
    verdicts = {series.plan: judge(series, kept.get(series.plan)) for series in tidied}
    for plan, verdict in verdicts.items():
        print(f"{plan:8}tidied: {verdict.reason}")
    return all(verdict.holds for verdict in verdicts.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="of each plan in each scenario")
    parser.add_argument("--rate", type=int, default=2000, help="messages per second")
    parser.add_argument(
        "--keep", type=float, help="seconds before what was delivered is removed; a sixth of all"
    )
    parser.add_argument(
        "--scenarios", nargs="+", choices=get_args(Scenario), default=get_args(Scenario)
    )
    parser.add_argument(
        "--plans", nargs="+", choices=get_args(RelayPlan), default=get_args(RelayPlan)
    )
    parser.add_argument("--out", type=Path, default=Path("results/runs/relay-over-time"))
    options = parser.parse_args()
    if options.seconds < LEAST_SECONDS:
        parser.error(f"--seconds has to be {LEAST_SECONDS} or more, to have thirds to compare")
    keep_s = max(LEAST_KEEP_S, options.seconds / 6) if options.keep is None else options.keep
    measured = measure(options, keep_s)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "series.json").write_text(json.dumps([asdict(each) for each in measured]))
    chart = options.out / "relay-over-time.png"
    draw(measured, keep_s, options.rate, chart)
    bounded = all_bounded(measured)
    print(f"chart: {chart}")
    return 0 if bounded else 1


if __name__ == "__main__":
    sys.exit(main())
