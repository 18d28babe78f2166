"""Changes a row of the outbox before it is stored."""

from __future__ import annotations

from typing import Any, Final

VERSION_COLUMN: Final = 4
"""Its place among the parameters of INSERT_MESSAGE."""


def with_version(row: tuple[Any, ...], version: int) -> tuple[Any, ...]:
    """Return the row of a message with another version."""
    return (*row[:VERSION_COLUMN], version, *row[VERSION_COLUMN + 1 :])
