"""An instance of the service, and a relay, as the processes that users run."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Final

from outboxbench.harness.http.command_process import CommandProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

_URL: Final = re.compile(r"serves at (http://\S+);")
_RELAYS: Final = re.compile(r"the relay runs;")


class Instance(CommandProcess):
    """Context manager: `outboxbench serve` on a free port of this machine.

    Args:
        strategy: what it works with.
        address: the database.
        options: of `serve`, beyond these.
        janitor: ends it should the harness be gone first.
    """

    def __init__(
        self, strategy: str, address: DatabaseAddress, options: Sequence[str], janitor: Janitor
    ) -> None:
        words = ("serve", "--strategy", strategy, "--port", "0", *options)
        super().__init__(f"the service over {strategy}", words, address, janitor)

    def url(self) -> str:
        """Wait until it answers, and return where.

        Raises:
            CannotRun: it has ended, or takes too long.
        """
        return self.wait_until_said(_URL)[1]


class RelayInstance(CommandProcess):
    """Context manager: `outboxbench relay run` beside services, which tell it of commits.

    Args:
        strategy: what it works with.
        address: the database.
        lines: where the messages for the outside go, one a line.
        janitor: ends it should the harness be gone first.
    """

    def __init__(
        self, strategy: str, address: DatabaseAddress, lines: IO[str], janitor: Janitor
    ) -> None:
        words = ("relay", "run", "--strategy", strategy, "--wake-up", "announce")
        super().__init__(f"the relay over {strategy}", words, address, janitor, lines)

    def wait_until_ready(self) -> None:
        """Wait until it delivers.

        Raises:
            CannotRun: it has ended, or takes too long.
        """
        self.wait_until_said(_RELAYS)
