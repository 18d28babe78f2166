"""What was acknowledged and is not there in the end."""

from __future__ import annotations

from pydantic import Field

from outboxbench.results.document import Document, NonNegativeInt


class Loss(Document):
    """Acknowledged operations that the database does not hold, exactly.

    A former primary knows what its successor lacks whatever clients were told; that is counted
    beside, and null where there was none.
    """

    operations: NonNegativeInt = Field(default=0, description="acknowledged, and not there")
    op_ids: tuple[str, ...] = Field(
        default=(), description="theirs, sorted; of more than 1,000 the first ones"
    )
    left_behind: NonNegativeInt | None = Field(
        default=None,
        description="operations that former primaries have committed and their successors lack",
    )
    left_behind_acknowledged: NonNegativeInt | None = Field(
        default=None, description="of those, the ones that clients were told of"
    )
