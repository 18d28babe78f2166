"""What the relay plans share: how runs are settled, and what a person asks of an outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from outboxbench.core.application.outbox import (
    Lease,
    OutboxMessage,
    OutboxStatus,
    RefusedMessage,
    Run,
    Settled,
)
from outboxbench.core.strategies.relay_plans import statements as sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.outbox import Settlement
    from outboxbench.core.strategies.relay_plans.executor import SqlExecutor

TIDIED: Final = (sql.TIDY_OUTBOX, sql.TIDY_INBOX)


class SqlOutbox:
    """The outbox of a database. A plan adds how messages are claimed, and by what right.

    Args:
        executor: the library that runs the statements.
        held: how a settlement tells whose lease still holds.
        delivered: the part that marks or removes what was delivered.
        tidied: the statements that remove what was settled long ago.
    """

    def __init__(
        self,
        executor: SqlExecutor,
        *,
        held: sql.Held,
        delivered: str,
        tidied: Sequence[str] = TIDIED,
    ) -> None:
        self._executor = executor
        self._settle = sql.settle_statement(held, delivered)
        self._settle_refused = sql.settle_statement(held, delivered, sql.REFUSE)
        self._tidied = tidied

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Note what was delivered and what was refused, and give the leases back."""
        ordered = sorted(settlements, key=lambda each: _key(each.run))
        watermarks = [settlement.watermark for settlement in ordered]
        statement = self._settle
        parameters: list[list[Any]] = [
            [each.run.aggregate_type for each in ordered],
            [each.run.aggregate_id for each in ordered],
            [each.run.lease.token for each in ordered],
            [version for version, _ in watermarks],
            [ordinal for _, ordinal in watermarks],
        ]
        if any(each.refusal is not None or each.run.refusals for each in ordered):
            statement = self._settle_refused
            parameters += refusal_columns(ordered)
        rows = await self._executor.fetch(statement, *parameters)
        held = {(row[0], row[1]): row[2] for row in rows}
        lost = [each.run for each in ordered if _key(each.run) not in held]
        return Settled(lost, has_more=any(held.values()))

    async def was_handled(self, entry: InboxEntry) -> bool:
        """Tell whether a handler has committed its effect of a message."""
        found = await self._executor.fetch(
            sql.WAS_HANDLED, entry.handler, entry.op_id, entry.ordinal
        )
        return any(True for _ in found)

    async def status(self) -> OutboxStatus:
        """Return how the outbox stands; of the refused messages the first thousand."""
        ((undelivered, oldest_s, aggregates, held),) = await self._executor.fetch(sql.STATUS)
        refused = await self._executor.fetch(sql.REFUSED)
        return OutboxStatus(
            undelivered=undelivered,
            oldest_s=oldest_s,
            aggregates=aggregates,
            held=held,
            refused=[RefusedMessage(*row) for row in refused],
        )

    async def redrive(self, aggregate_id: UUID | None = None) -> int:
        """Let what was refused be tried again at once; return how many messages that are."""
        return sum(1 for _ in await self._executor.fetch(sql.REDRIVE, aggregate_id))

    async def tidy(self, keep_s: float, limit: int) -> int:
        """Remove records of what was settled `keep_s` ago, at most `limit` of each kind."""
        removed = 0
        for statement in self._tidied:
            removed += sum(1 for _ in await self._executor.fetch(statement, keep_s, limit))
        return removed


def runs_of(lease: Lease, rows: Iterable[tuple[int, Sequence[Any]]]) -> list[Run]:
    """Group claimed messages by aggregate: each row is how often the first was refused, and it.

    The rows come in the order of aggregates, and each aggregate's in the order of its history.
    """
    runs: list[Run] = []
    run: Run | None = None
    for refusals, columns in rows:
        message = OutboxMessage(*columns)
        if (
            run is None
            or run.aggregate_id != message.aggregate_id
            or run.aggregate_type != message.aggregate_type
        ):
            run = Run(message.aggregate_type, message.aggregate_id, lease, refusals=refusals)
            runs.append(run)
        run.messages.append(message)
    return runs


def _key(run: Run) -> tuple[str, UUID]:
    return (run.aggregate_type, run.aggregate_id)


def refusal_columns(settlements: Sequence[Settlement]) -> list[list[Any]]:
    """Return the refusals among settlements, column by column as `relay_refusals` has them."""
    refused = [
        (each.run.messages[each.delivered], each.refusal)
        for each in settlements
        if each.refusal is not None
    ]
    return [
        [message.aggregate_type for message, _ in refused],
        [message.aggregate_id for message, _ in refused],
        [message.version for message, _ in refused],
        [message.ordinal for message, _ in refused],
        [refusal.refusals for _, refusal in refused],
        [refusal.retry_in_s for _, refusal in refused],
        [refusal.reason for _, refusal in refused],
    ]
