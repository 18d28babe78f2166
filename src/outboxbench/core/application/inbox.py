"""What a handler leaves behind, in its own transaction, so that its effects happen once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """Says that a handler has handled a message, which its `op_id` and `ordinal` name."""

    handler: str
    op_id: UUID
    ordinal: int
