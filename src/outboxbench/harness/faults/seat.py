"""Where the clients' database is: the server that has the seat, and who may take it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.pinning import cores_of, pin
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.postgres.standby import Standby

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random
    from types import TracebackType
    from typing import Self

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.faults.doors import Doors
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.cluster import Cluster
    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.postgres.standby import Replication
    from outboxbench.harness.postgres.volume import SmallVolume

_LAG_S: Final = (0.02, 0.2)
_OP_IDS: Final = "SELECT DISTINCT op_id FROM outbox"


class Seat:
    """The server that serves the clients' database, and the address of that, directly reached.

    This one is always the same server's. `volume` is what the database is on, if it has one of its
    own.
    """

    def __init__(
        self, server: Server, address: DatabaseAddress, volume: SmallVolume | None = None
    ) -> None:
        self.server = server
        self.address = address
        self.volume = volume

    @property
    def cluster(self) -> Cluster:
        """The cluster of the server that has the seat.

        Raises:
            CannotRun: the server is not ours.
        """
        if self.server.cluster is None:
            raise CannotRun(
                "a server that outboxbench did not start is never taken down: run without --dsn"
            )
        return self.server.cluster

    def prepare(self) -> None:
        """Have in place what the next injection needs; nobody measures meanwhile."""

    def fall_behind(self, random: Random) -> Mapping[str, Any]:
        """Bring about what precedes the onset of an injection, and return what proves it."""
        del random
        return {}

    def left_behind(self) -> Sequence[Sequence[str]]:
        """Return the `op_id`s that each injection had the database lose, if anybody can tell."""
        return ()


class ReplicatedSeat(Seat):
    """Context manager: a seat with a standby, which has it once it is promoted.

    Former primaries are kept until the end: they tell what their successors lack.

    Args:
        server: which has the seat at first.
        address: the database, on that server.
        replication: how the standby follows.
        janitor: ends all servers should the harness be gone first.
        doors: what clients come through, told of every change.
    """

    def __init__(
        self,
        server: Server,
        address: DatabaseAddress,
        replication: Replication,
        janitor: Janitor,
        doors: Doors,
    ) -> None:
        super().__init__(server, address)
        self._replication = replication
        self._janitor = janitor
        self._doors = doors
        self._standby: Standby | None = None
        self._former: list[Cluster] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def prepare(self) -> None:
        """Make a standby, unless there is one, and wait until it follows.

        Raises:
            CannotRun: it cannot be made, or does not catch up.
        """
        if self._standby is not None:
            return
        primary = self.cluster
        standby = self._stack.enter_context(Standby(primary, self._janitor))
        pin(standby.postmaster_pid, cores_of(primary.postmaster_pid))
        standby.follow(self._replication)
        self._standby = standby
        self._doors.standby_follows(standby.address)

    def fall_behind(self, random: Random) -> Mapping[str, Any]:
        """Have the standby fall behind for 20 to 200 ms, as one does that is busy."""
        return self._following().fall_behind(random.uniform(*_LAG_S))._asdict()

    def take_down(self) -> tuple[int, ...]:
        """Kill every process of the server that has the seat; return the pids that are gone."""
        gone = self.cluster.crash()
        self._doors.primary_died()
        return gone

    def promote(self) -> None:
        """Give the seat to the standby; the server that had it must be dead.

        Raises:
            CannotRun: there is no standby, or it does not become a primary.
        """
        standby = self._following()
        standby.promote()
        self._former.append(self.cluster)
        self.server = replace(
            self.server,
            address=standby.address,
            postmaster_pid=standby.postmaster_pid,
            cluster=standby,
        )
        self.address = standby.address.with_database(self.address.database)
        self._standby = None
        self._doors.standby_promoted(standby.address)

    def left_behind(self) -> Sequence[Sequence[str]]:
        """Start each former primary once more, where no client finds it, and ask what it holds.

        Returns:
            For each promotion, in their order, the `op_id`s that the server which died has
            committed and its successor lacks.

        Raises:
            CannotRun: a former primary does not start.
        """
        held = [self._op_ids_of(former) for former in self._former]
        held.append(self._op_ids_in(self.address))
        return [sorted(before - after) for before, after in pairwise(held)]

    def _op_ids_of(self, former: Cluster) -> set[str]:
        former.start_apart()
        try:
            return self._op_ids_in(former.address.with_database(self.address.database))
        finally:
            former.shut_down()

    @staticmethod
    def _op_ids_in(address: DatabaseAddress) -> set[str]:
        with connect(address) as connection:
            return {op_id.hex for (op_id,) in connection.execute(_OP_IDS.encode())}

    def _following(self) -> Standby:
        if self._standby is None:
            raise CannotRun("no standby follows the server that could take its place")
        return self._standby
