"""The disk is full: whatever would grow is refused with 53100, until space is freed.

It is the volume with the tables that is filled, and not the one with the log: a server that cannot
write its log goes down, as in a crash, which is a fault of its own; one whose tables cannot grow
refuses commands one by one, and goes on. What fits into pages that are there already still passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import errands, wait_until
from outboxbench.harness.faults.recovery import bring_back

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene

_PROBE_SQL: Final = "CREATE TEMPORARY TABLE outboxbench_probe AS SELECT 1"


class DiskFull:
    """The volume of the clients' tables has no space left until it is healed."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._is_full = False

    def inject(self) -> Evidence:
        """Fill the volume, and return once a table cannot be made there any more."""
        volume = self._scene.seat.volume
        if volume is None:
            raise CannotRun("the database is on no small volume of its own that could be filled")
        refusal: dict[str, Any] = {}

        def is_refused() -> bool:
            # Anew each time: what the server has removed meanwhile is free again.
            filled_bytes = volume.fill()
            if message := _refusal(connection):
                refusal.update(sqlstate="53100", message=message, filled_bytes=filled_bytes)
            return bool(refusal)

        with errands(self._scene.address) as connection:
            self._is_full = True
            wait_until(is_refused)
        return refusal

    def heal(self) -> Evidence:
        """Free the space, have the server run if it does not, and wait until a table can be made.

        What a fault proves, it proves when it is injected.
        """
        volume = self._scene.seat.volume
        if volume is None or not self._is_full:
            return {}
        volume.free()
        bring_back(self._scene)
        with errands(self._scene.address) as connection:
            if not wait_until(lambda: _refusal(connection) is None):
                raise CannotRun("the volume is still full though its space was freed")
        self._is_full = False
        return {}


def _refusal(connection: psycopg.Connection[Any]) -> str | None:
    """Return what the server says for want of space; None if it has some."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(_PROBE_SQL)
    except psycopg.errors.DiskFull as error:
        return error.diag.message_primary
    return None


DISK_FULL: Final = FaultKind(
    name="disk-full",
    description="leave no space where the tables are, until healed; they cannot grow",
    reach="server",
    lasts=True,
    depends_on_strategy=True,
    make=lambda scene, _chance: DiskFull(scene),
    needs_volume=True,
)
