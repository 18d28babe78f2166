"""Makes runs of messages that no lease is held of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from outboxbench.core.application.outbox import Lease
from outboxbench.core.strategies.relay_plans.sql_outbox import runs_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.core.application.outbox import Run

NO_TOKEN: Final = 0
"""Those of real leases count from 1."""


def unleased_runs(rows: Iterable[tuple[Any, ...]]) -> list[Run]:
    """Return a run for each aggregate, from rows of MESSAGE_COLUMNS in any order."""
    _, ordinal, aggregate_type, aggregate_id, version = range(5)
    ordered = sorted(
        rows,
        key=lambda row: (row[aggregate_type], row[aggregate_id], row[version], row[ordinal]),
    )
    return runs_of(Lease(NO_TOKEN), ((0, row) for row in ordered))
