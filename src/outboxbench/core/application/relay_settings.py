"""How a relay works, and what it counts while it does."""

from __future__ import annotations

from dataclasses import dataclass

from outboxbench.core.application.backoff import Backoff

SMALLEST_BATCH = 32
"""Messages; from there on batches grow as long as they are full."""

RETRY = Backoff(first_s=0.2, longest_s=60.0)
"""Between attempts at a message that is refused."""

OUTAGE = Backoff(first_s=0.05, longest_s=5.0)
"""Between attempts at a receiver that cannot be reached."""


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """How a relay works.

    `poll_s` bounds the wait for a ring: what is committed without one, or whose ring is lost, is
    found after so long at the latest. Where nothing rings, `first_poll_s` is how soon it looks
    again after it last found something.
    """

    smallest_batch: int = SMALLEST_BATCH
    largest_batch: int = 500
    max_in_flight: int = 1_000
    first_poll_s: float = 0.25
    poll_s: float = 0.25
    lease_s: float = 10.0
    max_refusals: int = 8
    retry: Backoff = RETRY
    outage: Backoff = OUTAGE


@dataclass(slots=True)
class RelayTally:
    """What a relay has done since it started.

    `late` are runs whose lease was lost before they were settled; `outages` are claims that met a
    receiver or a database which could not be reached.
    """

    delivered: int = 0
    refused: int = 0
    dead: int = 0
    late: int = 0
    outages: int = 0
