"""What becomes of a message that is refused: when it is tried again, and when it is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.outbox import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.application.outbox import Run
    from outboxbench.core.application.relay_settings import RelaySettings, RelayTally


class Refusals:
    """Decides, and counts.

    Args:
        settings: patience.
        tally: where refused and dead messages are counted.
        observe: told of every message that died.
    """

    def __init__(
        self, settings: RelaySettings, tally: RelayTally, observe: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._tally = tally
        self._observe = observe

    def held_up(self, run: Run, delivered: int, reason: str) -> Refusal:
        """Others hold up the message that follows the first `delivered` of a run."""
        # Tried at the pace of an outage for as long as it takes: the last attempt is not used up.
        refusals = min(_refusals_so_far(run, delivered), max(1, self._settings.max_refusals - 1))
        self._tally.refused += 1
        return Refusal(reason, refusals, self._settings.outage.delay_s(refusals))

    def refused(self, run: Run, delivered: int, reason: str) -> Refusal:
        """A receiver refuses the message that follows the first `delivered` of a run."""
        refusals = _refusals_so_far(run, delivered)
        dead = refusals >= self._settings.max_refusals
        self._tally.refused += 1
        self._tally.dead += dead
        if dead:
            message = run.messages[delivered]
            self._observe(f"message {message.id} is dead after {refusals} attempts: {reason}")
        retry_in_s = None if dead else self._settings.retry.delay_s(refusals)
        return Refusal(reason, refusals, retry_in_s)


def _refusals_so_far(run: Run, delivered: int) -> int:
    # Only the first message of a run can have been refused before: it held the others up.
    return 1 if delivered else run.refusals + 1
