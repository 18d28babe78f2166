"""What a transaction that stays open does to a relay: claims grow slower, dead rows pile up.

    python bench/experiments/held_xmin.py --seconds 60 --rate 2000

Messages are stored at a steady rate and delivered by a relay, once undisturbed and once while
another session keeps a snapshot from the first third on, as a forgotten psql or a long report
does: nothing that died since may be removed, so whoever looks for messages has to step over all
that were delivered. One row a second: how long claims took, and how many dead rows the outbox has.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, get_args

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from outboxbench.core.application.outbox import RelayPlan
from outboxbench.core.application.relay import Relay, RelaySettings
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.relay_database import prepare_database
from outboxbench.report import style

if TYPE_CHECKING:
    from collections.abc import Sequence

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
DEAD_ROWS = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'outbox'"
STORED_TOGETHER_EVERY_S = 0.02
LEASE_S = 10.0
COLOURS = {"lease": "#0072B2", "delete": "#D55E00", "sharded": "#009E73"}


@dataclass
class Series:
    """What one relay went through, second by second."""

    plan: RelayPlan
    held: bool
    claim_ms: list[float] = field(default_factory=list)
    dead_rows: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)


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
    address: DatabaseAddress, server_major: int, series: Series, seconds: int, rate: int
) -> None:
    settings = StrategySettings(address, pool_size=3).for_relay(LEASE_S, server_major)
    persistence = await load_strategy("asyncpg").open(settings)
    outbox = TimedOutbox(persistence.outbox(series.plan, LEASE_S))
    relay = Relay(outbox, Nowhere(), RelaySettings(first_poll_s=0.005, poll_s=0.05))
    running = asyncio.create_task(relay.run())
    storing = asyncio.create_task(asyncio.to_thread(_store, address, seconds, rate))
    holder = connect(address)
    try:
        for second in range(seconds):
            if series.held and second == seconds // 3:
                holder.autocommit = False
                holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                holder.execute("SELECT 1 FROM outbox LIMIT 1")
            await asyncio.sleep(1)
            claims, outbox.claims_ms = outbox.claims_ms, []
            series.claim_ms.append(median(claims) if claims else 0.0)
            series.dead_rows.append(_number(address, DEAD_ROWS))
            series.waiting.append((await persistence.outbox("lease", 0).status()).undelivered)
    finally:
        holder.close()
        relay.stop()
        await asyncio.gather(running, storing)
        await persistence.close()


def _store(address: DatabaseAddress, seconds: int, rate: int) -> None:
    batch = max(1, round(rate * STORED_TOGETHER_EVERY_S))
    with connect(address) as connection:
        due_s = time.monotonic()
        ends_s = due_s + seconds
        while due_s < ends_s:
            connection.execute(STORE, (batch,))
            due_s += STORED_TOGETHER_EVERY_S
            time.sleep(max(0.0, due_s - time.monotonic()))


def _number(address: DatabaseAddress, query: str) -> int:
    with connect(address) as connection:
        row = connection.execute(query.encode()).fetchone()
    return 0 if row is None else int(row[0])


def draw(all_series: list[Series], seconds: int, path: Path) -> None:
    with style.applied():
        figure = Figure(figsize=(11, 6.2))
        figure.suptitle(
            "A snapshot that is kept: what it does to a relay", x=0.06, ha="left", weight="bold"
        )
        for row, name in enumerate(("median claim, ms", "dead rows of the outbox")):
            for column, held in enumerate((False, True)):
                axes = figure.add_subplot(2, 2, 2 * row + column + 1)
                for series in all_series:
                    if series.held is held:
                        values: Sequence[float] = series.dead_rows if row else series.claim_ms
                        axes.plot(
                            range(1, len(values) + 1),
                            values,
                            color=COLOURS[series.plan],
                            label=series.plan,
                        )
                if held:
                    axes.axvspan(seconds // 3, seconds, color=style.FAINT, alpha=0.12)
                axes.set_ylim(bottom=0)
                axes.set_ylabel(name, fontsize=9)
                axes.set_xlabel("seconds", fontsize=9)
                axes.set_title("snapshot kept (shaded)" if held else "undisturbed", fontsize=10)
                axes.legend(frameon=False, fontsize=9)
        figure.tight_layout()
        FigureCanvasAgg(figure).print_figure(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=2000, help="messages per second")
    parser.add_argument("--out", type=Path, default=Path("results/runs"))
    options = parser.parse_args()
    measured: list[Series] = []
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor, {"autovacuum_naptime": "1s"}))
        databases = stack.enter_context(Databases(server, "xmin"))
        for held in (False, True):
            for plan in get_args(RelayPlan):
                address = databases.create(f"{plan}_{'held' if held else 'free'}")
                with connect(address) as connection:
                    connection.execute(schema_sql())
                major = prepare_database(address, plan, announces=False)
                measured.append(Series(plan, held))
                asyncio.run(observe(address, major, measured[-1], options.seconds, options.rate))
                databases.drop(address)
                _print(measured[-1], options.seconds)
    options.out.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        (options.out / "held-xmin").mkdir()
    folder = options.out / "held-xmin"
    (folder / "series.json").write_text(json.dumps([asdict(each) for each in measured]))
    draw(measured, options.seconds, folder / "held-xmin.png")
    print(f"chart: {folder / 'held-xmin.png'}")


def _print(series: Series, seconds: int) -> None:
    third = max(1, seconds // 3)
    before, last = series.claim_ms[1:third], series.claim_ms[-max(1, seconds // 6) :]
    print(
        f"{series.plan:8} {'held' if series.held else 'free':5}"
        f" claim {median(before or [0]):6.2f} ms at first, {median(last):6.2f} ms at last;"
        f" dead rows at last {series.dead_rows[-1]:>8,}; waiting {series.waiting[-1]:,}",
        flush=True,
    )


if __name__ == "__main__":
    main()
