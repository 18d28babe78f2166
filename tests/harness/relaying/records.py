"""Made-up records of what relays delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import numpy as np

from outboxbench.harness.relaying.records import DELIVERY

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Delivery(NamedTuple):
    op_id: UUID
    ordinal: int
    delivered_ns: int
    handed_ns: int | None = None
    aggregate_id: UUID = UUID(int=1)
    version: int = 1


def deliveries(*made_up: Delivery) -> NDArray[Any]:
    """Records as a relay writes them; what was handed over when is told, or at once."""
    rows = [
        (
            each.op_id.bytes,
            each.ordinal,
            each.aggregate_id.bytes,
            each.version,
            each.delivered_ns if each.handed_ns is None else each.handed_ns,
            each.delivered_ns,
        )
        for each in made_up
    ]
    return np.array(rows, dtype=DELIVERY)
