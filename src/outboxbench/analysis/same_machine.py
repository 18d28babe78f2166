"""Whether two measurements come from the same machine: figures of two are not compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from outboxbench.results.machine import Environment

_TRAITS: Final = ("cpu_model", "cores", "cpu_limit_cores", "kernel", "data_filesystem")
_MEMORY_TOLERANCE: Final = 0.02
"""A kernel keeps a little more or less for itself from one start to the next."""


def machine_differences(one: Environment, other: Environment) -> list[str]:
    """Say what differs in the machines themselves, `name: one → other`; software is left out."""
    differences = [
        f"{name}: {getattr(one, name)} → {getattr(other, name)}"
        for name in _TRAITS
        if getattr(one, name) != getattr(other, name)
    ]
    most = max(one.memory_bytes, other.memory_bytes)
    if abs(one.memory_bytes - other.memory_bytes) > _MEMORY_TOLERANCE * most:
        differences.append(f"memory_bytes: {one.memory_bytes} → {other.memory_bytes}")
    return differences
