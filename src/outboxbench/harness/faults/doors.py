"""How clients get to whichever of two servers takes writes: through one proxy, or through two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.faults.scene import Link

FindBy: TypeAlias = Literal["proxy", "hosts"]
"""Whether clients have one address that moves with the primary, or know both hosts."""

_REFUSE: Final = {"do": "refuse"}


class Doors(Protocol):
    """What leads clients to the servers, told of all that becomes of these."""

    def standby_follows(self, standby: DatabaseAddress) -> None:
        """A new server follows the primary."""
        ...

    def primary_died(self) -> None:
        """Nobody takes writes."""
        ...

    def standby_promoted(self, primary: DatabaseAddress) -> None:
        """The server that followed takes writes now."""
        ...


@dataclass(frozen=True, slots=True)
class OneDoor:
    """A proxy that sends clients to the primary, whichever that is, as a virtual address does."""

    link: Link

    def standby_follows(self, standby: DatabaseAddress) -> None:
        """Nobody is sent there yet."""

    def primary_died(self) -> None:
        """Whoever comes is sent to where nobody is."""

    def standby_promoted(self, primary: DatabaseAddress) -> None:
        """Send clients there."""
        self.link.ask(_point_to(primary))


class TwoDoors:
    """A proxy in front of each of two hosts, which clients know both and choose from themselves.

    Hosts keep their addresses: a new standby is on the one whose server has died.

    Args:
        primary: in front of the server that takes writes.
        standby: in front of the other host, which has no server yet.
    """

    def __init__(self, primary: Link, standby: Link) -> None:
        self._primary = primary
        self._standby = standby
        standby.ask(_REFUSE)

    def standby_follows(self, standby: DatabaseAddress) -> None:
        """Let clients connect to it, so that it tells them that it takes no writes."""
        self._standby.ask(_point_to(standby))

    def primary_died(self) -> None:
        """Refuse clients, as the host of a dead server does.

        A proxy alone would accept them and then reset them, which a driver need not take for a
        reason to try the next host.
        """
        self._primary.ask(_REFUSE)

    def standby_promoted(self, primary: DatabaseAddress) -> None:
        """Nothing moves but the roles of the hosts."""
        del primary
        self._primary, self._standby = self._standby, self._primary


def _point_to(server: DatabaseAddress) -> Mapping[str, Any]:
    return {"do": "point", "host": server.host, "port": server.port}
