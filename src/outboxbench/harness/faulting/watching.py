"""Time that passes while whoever is gone is replaced."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

POLL_S: Final = 0.02


class Supervised(Protocol):
    """Processes of which one may be gone at any moment."""

    def replace_gone(self) -> None:
        """Replace whoever is gone."""
        ...


def watch_until(moment_ns: int, crews: Iterable[Supervised]) -> None:
    """Wait until a moment of the monotonic clock, and keep the crews whole meanwhile."""
    while (left_s := (moment_ns - time.monotonic_ns()) / 1e9) > 0:
        for crew in crews:
            crew.replace_gone()
        time.sleep(min(left_s, POLL_S))
