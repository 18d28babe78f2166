"""What a cost worker answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """What the measured operations took, and all that was committed, the warm-up included."""

    wall_ns: int
    client_cpu_ns: int
    committed: dict[str, int]
    """By command."""
    charged_cents: int
