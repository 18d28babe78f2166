"""The relays of a suite's faults: the axes that they add, and what does not go together."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

from outboxbench.harness.errors import BadInput
from outboxbench.harness.faulting.order import Relaying
from outboxbench.harness.faults.registry import FAULTS
from outboxbench.harness.faults.relay_freeze import RELAY_FREEZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.harness.suite.fault_model import FaultMatrix

RELAYED_WORKLOADS: Final = ("place", "amend")
"""Whose messages handlers can take: who charges for the same order again and again, as the other
mixes do, has a handler confirm again what is confirmed, which the domain refuses."""

_OF_RELAYS: Final = ("relay_plans", "brokers", "wake_ups", "handlers", "batch", "lease_s")


def relayings_of(matrix: FaultMatrix) -> Iterator[Relaying | None]:
    """Yield the relays of every arm of a strategy; None alone where there are none."""
    if not matrix.relays:
        yield None
        return
    for plan, broker, wake_up in product(matrix.relay_plans, matrix.brokers, matrix.wake_ups):
        yield Relaying(
            relays=matrix.relays,
            plan=plan,
            broker=broker,
            wake_up=wake_up,
            handlers=matrix.handlers,
            batch=matrix.batch,
            lease_s=matrix.lease_s,
        )


def workload_of(matrix: FaultMatrix) -> str:
    """Return the mix that the clients of a matrix ask for."""
    return matrix.workload or ("place" if matrix.relays else "charge")


def check_relays(matrix: FaultMatrix) -> None:
    """Look whether faults and relays go together.

    Raises:
        BadInput: they do not.
    """
    if reason := _mismatch(matrix):
        raise BadInput(f"[[faults]] on {', '.join(matrix.faults)} cannot be run: {reason}")


def _mismatch(matrix: FaultMatrix) -> str | None:
    reach = {name: FAULTS[name].reach for name in matrix.faults}
    for name in matrix.faults:
        if reach[name] in {"relays", "broker"} and not matrix.relays:
            return f"{name} needs relays: set relays = 2"
        if reach[name] == "broker" and set(matrix.brokers) != {"nats"}:
            return f'{name} needs a broker of its own: set brokers = ["nats"]'
    if not matrix.relays:
        ignored = [
            key
            for key in _OF_RELAYS
            if getattr(matrix, key) != type(matrix).model_fields[key].default
        ]
        return f"{ignored[0]} is of relays, and there are none: set relays" if ignored else None
    if RELAY_FREEZE.name in matrix.faults:
        if matrix.relays < 2:
            return f"{RELAY_FREEZE.name} needs another relay to take over: set relays = 2"
        if matrix.hold_s <= matrix.lease_s:
            return (
                f"{RELAY_FREEZE.name} has to outlast the lease: "
                f"set hold_s above lease_s, which is {matrix.lease_s:g}"
            )
    if workload_of(matrix) not in RELAYED_WORKLOADS:
        return (
            f"the messages of the workload {matrix.workload} are for no handler: "
            f"with relays, workload is one of {', '.join(RELAYED_WORKLOADS)}"
        )
    return None
