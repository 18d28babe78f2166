"""Costs on the terminal: two tables for each workload and profile, what is counted and what lasts.

Both fit 80 columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from outboxbench.analysis.comparable import changed_durability
from outboxbench.analysis.priced_alike import priced_alike
from outboxbench.report.figures_table import Name, figures_table
from outboxbench.report.numbers import BLANK, three_digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from outboxbench.analysis.priced_alike import PricedAlike
    from outboxbench.results.cost import CommandCost, CommandTime, Costs

_COUNTS = (
    "round\ntrips",
    "state-\nments",
    "trans-\nact.",
    "msgs\nout",
    "msgs\nin",
    "bytes\nout",
    "bytes\nin",
    "WAL\nrecs",
    "WAL\nbytes",
    "blocks\ndirty",
)
_TIMES = (
    "wall\nµs",
    "server\nexec.",
    "WAL\nsync",
    "wire",
    "client\nexec.",
    "client\nwaits",
    "server\nCPU",
    "client\nCPU",
    "WAL\nsyncs",
)
_LEGEND = (
    "of one operation: one client, one connection, uvloop; out is to the server",
    "wall = server exec. + WAL sync + wire + client exec. + client waits; wire: round",
    "trips × a bare one, with the CPU that this takes; client waits: what is left,",
    "negative by as much as client and server worked at once; CPU: all of it",
)


def cost_report(costs: Costs) -> RenderableType:
    """Tables, what they mean, and every reason for doubt."""
    parts: list[RenderableType] = []
    for alike in priced_alike(costs):
        parts += [Text(), _counts_table(alike)]
        if alike.is_timed:
            parts += [Text(), _times_table(alike)]
    return Group(*parts, Text(), *_notes(costs), *_doubts(costs))


def _counts_table(alike: PricedAlike) -> Table:
    table = figures_table(f"{alike.title}: counts", ("strategy",), _COUNTS)
    for command in alike.commands:
        counts = command.counts
        _add_row(
            table,
            command,
            counts.round_trips,
            counts.statements,
            counts.transactions,
            counts.frontend_message_count,
            counts.backend_message_count,
            counts.frontend_bytes,
            counts.backend_bytes,
            counts.wal_records,
            counts.wal_bytes,
            counts.blocks_dirtied,
        )
    return table


def _times_table(alike: PricedAlike) -> Table:
    table = figures_table(f"{alike.title}: time in µs", ("strategy",), _TIMES)
    for command in alike.commands:
        if time := command.time:
            _add_row(
                table,
                command,
                time.wall_us,
                time.server_executing_us,
                time.wal_sync_us,
                time.wire_us,
                time.client_executing_us,
                _waiting_us(time),
                time.server_cpu_us,
                time.client_cpu_us,
                time.wal_syncs,
            )
    return table


def _add_row(table: Table, command: CommandCost, *figures: float | None) -> None:
    trusted = command.verdict == "pass"
    name = command.strategy if trusted else f"{command.strategy} ({command.verdict})"
    table.add_row(Name(name), *map(_figure, figures), style="" if trusted else "dim")


def _waiting_us(time: CommandTime) -> float | None:
    if time.client_waiting_us is None or time.overlap_us is None:
        return None
    return time.client_waiting_us - time.overlap_us


def _figure(value: float | None) -> str:
    """Exact counts are whole numbers, most of them."""
    if value is not None and value == int(value):
        return f"{int(value):,}"
    if value is not None and value < 0:
        return f"-{three_digits(-value)}"
    return three_digits(value)


def _notes(costs: Costs) -> Iterator[RenderableType]:
    lines = list(_LEGEND if costs.timed_operations else _LEGEND[:1])
    counted = f"counted over {costs.counted_operations} operations"
    lines.append(f"{counted}; PostgreSQL {costs.server.version}")
    if costs.timed_operations:
        rounds = f"{costs.timed_rounds} rounds of {costs.timed_operations} operations"
        lines.append(f"timed: the median of {rounds}")
    if bare := costs.bare_round_trip:
        lines.append(f"a bare round trip takes {three_digits(bare.wall_us)} µs")
    if durability := changed_durability(costs.server) if costs.timed_operations else ():
        lines.insert(0, f"NOT the usual durability: {', '.join(durability)}")
    if any(command.counts.wal_records is None for command in costs.commands):
        lines.append(f"{BLANK} WAL: this server lacks the extension pg_walinspect")
    if any(command.counts.blocks_dirtied is None for command in costs.commands):
        lines.append(f"{BLANK} blocks: this server lacks the extension pg_buffercache")
    yield Text("\n".join(lines), style="dim")


def _doubts(costs: Costs) -> Iterator[RenderableType]:
    for command in costs.commands:
        for check in command.checks:
            yield Text(f"{command.name}: {check.verdict}: {check.name} ({check.detail})")
    yield Text(f"Verdict: {costs.verdict}", style="" if costs.verdict == "pass" else "bold red")
