"""The table of messages that were refused, or follow one: kept there, the log can go on.

Only the reader of the log writes to it; its fencing token tells it from one that was replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outbox import OutboxStatus, RefusedMessage
from outboxbench.core.replication import statements as sql
from outboxbench.core.strategies.relay_plans.sql_outbox import refusal_columns, runs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outboxbench.core.application.outbox import Lease, OutboxMessage, Run, Settlement
    from outboxbench.core.replication.backlog import AggregateKey
    from outboxbench.core.strategies.relay_plans.executor import SqlExecutor


class Parking:
    """What is parked in a database."""

    def __init__(self, executor: SqlExecutor) -> None:
        self._executor = executor

    async def take_over(self) -> ParkingWriter:
        """Become the one who writes, in place of whoever was it before."""
        ((token,),) = await self._executor.fetch(sql.TAKE_OVER)
        return ParkingWriter(self._executor, token)

    async def aggregates(self) -> Sequence[AggregateKey]:
        """Return the aggregates of which anything is parked."""
        rows = await self._executor.fetch(sql.PARKED_AGGREGATES)
        return [(row[0], row[1]) for row in rows]

    async def claim_due(
        self, free: Sequence[AggregateKey], limit: int, lease: Lease
    ) -> Sequence[Run]:
        """Return runs of those aggregates that may be tried now, about `limit` messages."""
        columns = ([each[0] for each in free], [each[1] for each in free])
        rows = await self._executor.fetch(sql.CLAIM_DUE, *columns, limit)
        return runs_of(lease, ((row[0], tuple(row)[1:]) for row in rows))

    async def status(self) -> OutboxStatus:
        """Return how what is parked stands, and how much of its log the server keeps."""
        ((undelivered, oldest_s, aggregates, held),) = await self._executor.fetch(sql.STATUS)
        refused = await self._executor.fetch(sql.REFUSED)
        retained = list(await self._executor.fetch(sql.RETAINED_WAL))
        return OutboxStatus(
            undelivered=undelivered,
            oldest_s=oldest_s,
            aggregates=aggregates,
            held=held,
            refused=[RefusedMessage(*row) for row in refused],
            retained_wal_bytes=retained[0][0] if retained else None,
        )


@dataclass(frozen=True, slots=True)
class ParkingWriter:
    """The right to write, as long as nobody else takes over."""

    _executor: SqlExecutor
    token: int

    async def is_ours(self) -> bool:
        """Tell whether nobody has taken over."""
        return any(True for _ in await self._executor.fetch(sql.IS_READER, self.token))

    async def settle(
        self, settlements: Sequence[Settlement], parked: Iterable[OutboxMessage] = ()
    ) -> Mapping[AggregateKey, bool] | None:
        """Forget what was delivered, note what was refused and park messages, all or nothing.

        Returns:
            Whether more of each aggregate was parked already; None where another has taken over.
        """
        watermarks = [settlement.watermark for settlement in settlements]
        rows = list(
            await self._executor.fetch(
                sql.SETTLE,
                self.token,
                [each.run.aggregate_type for each in settlements],
                [each.run.aggregate_id for each in settlements],
                [version for version, _ in watermarks],
                [ordinal for _, ordinal in watermarks],
                *_message_columns(list(parked)),
                *refusal_columns(settlements),
            )
        )
        if not rows:
            return None
        return {(row[0], row[1]): row[2] for row in rows if row[0] is not None}


def _message_columns(messages: Sequence[OutboxMessage]) -> list[list[Any]]:
    return [
        [each.op_id for each in messages],
        [each.ordinal for each in messages],
        [each.aggregate_type for each in messages],
        [each.aggregate_id for each in messages],
        [each.version for each in messages],
        [each.topic for each in messages],
        [each.audience for each in messages],
        [each.state for each in messages],
    ]
