"""Names in one word of a command line, separated by commas."""

from __future__ import annotations

from outboxbench.harness.errors import BadInput


def names_in(option: str, value: str | None) -> frozenset[str] | None:
    """Return the names that an option was given, None where it was left out.

    Raises:
        BadInput: it was given, and names nothing.
    """
    if value is None:
        return None
    names = frozenset(name.strip() for name in value.split(",")) - {""}
    if not names:
        raise BadInput(f"{option} names nothing: name some, separated by commas, or leave it out")
    return names
