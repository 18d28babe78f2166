"""How available a block was, injection by injection, and what its ambiguity cost.

Units stand in the names. A value that could not be measured is null, never 0. Durations run from
the onset of their injection; its span goes from there to the onset of the next, or to the end of
the load. Operations belong to the span in which they were due.
"""

from __future__ import annotations

from pydantic import Field

from outboxbench.results.block import OutcomeCounts
from outboxbench.results.document import (
    Document,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
)


class Baseline(Document):
    """What the block did in the clean times before its onsets, in operations due and ended in them.

    It is pooled over all of them, so it is the same for every injection of the block. What an
    outage left to be caught up on was due before, and so it does not raise the goodput.
    """

    seconds: PositiveFloat = Field(description="length of those times together")
    good_per_s: PositiveFloat = Field(description="goodput: ended ok or ok_recovered")
    due_per_s: NonNegativeFloat = Field(description="offered load")
    service_ms: NonNegativeFloat | None = Field(
        default=None, description="mean from the begin of an operation to its end, retries included"
    )


class Ambiguity(Document):
    """What clients could not know of their operations, and what is known now."""

    indeterminate: NonNegativeInt = Field(
        default=0, description="operations without a final outcome, or whose is indeterminate"
    )
    committed: NonNegativeInt = Field(default=0, description="of the indeterminate ones")
    twice_if_repeated: NonNegativeInt = Field(
        default=0,
        description="operations that had an attempt in doubt which had committed, so that to "
        "repeat it blindly would have applied, or has applied, it twice",
    )
    recovered: NonNegativeInt = Field(
        default=0, description="operations that were found by their op_id: ok_recovered"
    )

    def __add__(self, other: Ambiguity) -> Ambiguity:
        return Ambiguity(
            indeterminate=self.indeterminate + other.indeterminate,
            committed=self.committed + other.committed,
            twice_if_repeated=self.twice_if_repeated + other.twice_if_repeated,
            recovered=self.recovered + other.recovered,
        )


class Injection(Document):
    """What one injection did to the block."""

    number: NonNegativeInt
    fault: str
    onset_ms: float = Field(description="since the block began")
    span_ms: NonNegativeFloat
    baseline: Baseline | None = Field(
        default=None, description="null where nothing succeeded before the first onset"
    )
    server_ready_ms: float | None = Field(
        default=None,
        description="until the server answered a fresh connection again; null where nobody asked",
    )
    first_ok_ms: NonNegativeFloat | None = Field(
        default=None,
        description="until the first attempt that was invoked after the onset had ended ok; null "
        "where none did within the span",
    )
    first_ok_after_effect_ms: NonNegativeFloat | None = Field(
        default=None,
        description="the same for those invoked after the fault took effect, which none can have "
        "slipped past; equal to first_ok_ms where nobody knows when it did",
    )
    after_server_ms: float | None = Field(
        default=None,
        description="first_ok_after_effect_ms less server_ready_ms, the clients' own part of it; "
        "below 0 where one of them was first",
    )
    longest_gap_ms: NonNegativeFloat | None = Field(
        default=None,
        description="longest time within the span without an attempt that ended ok",
    )
    recovered: bool | None = Field(
        default=None,
        description="whether goodput came back within the span; null where it was too short to see",
    )
    recovered_ms: NonNegativeFloat | None = Field(
        default=None,
        description="until goodput was back at its share of the baseline's, and stayed; 0 where it "
        "never fell below",
    )
    bin_ms: PositiveFloat | None = Field(
        default=None, description="width of the bins that the recovery was found in"
    )
    lost_good: NonNegativeFloat | None = Field(
        default=None,
        description="good operations fewer than at the baseline's goodput, until it recovered or "
        "the span ended",
    )
    most_waiting: NonNegativeInt = Field(
        default=0,
        description="largest number of operations that were due and not over, in the span; without "
        "those that never were",
    )
    caught_up_ms: NonNegativeFloat | None = Field(
        default=None,
        description="until no more operations were due and not over than before the onset, and it "
        "stayed so; null where it did not within the span",
    )
    on_time: NonNegativeInt | None = Field(
        default=None,
        description="operations due in the span that ended well within the SLO, counted from when "
        "they were due; null where the suite named none",
    )
    outcomes: OutcomeCounts = Field(
        description="operations due in the span; without a final outcome they are indeterminate"
    )
    in_flight_at_onset: NonNegativeInt = Field(
        description="operations begun before and not ended by then; one that never ends counts at "
        "the first onset after its begin alone"
    )
    in_flight_outcomes: OutcomeCounts = Field(description="what became of those")
    ambiguity: Ambiguity
    deliveries: DeliveryPauses | None = Field(
        default=None, description="null where no relay is beside the clients"
    )
    wedged_clients: NonNegativeInt | None = Field(
        default=None,
        description="clients that succeeded before, did not once the fault was healed, and hang in "
        "an attempt that never ends, begin nothing while others do, or begin several operations in "
        "vain; where client processes were killed, none whose successor has not begun an attempt. "
        "Null where it was not healed within the span, or none had succeeded before",
    )


class DeliveryPauses(Document):
    """What one injection did to deliveries, those that were not a message's first included."""

    first_ms: NonNegativeFloat | None = Field(
        default=None,
        description="until the first delivery that was confirmed after the onset; null where none "
        "was within the span",
    )
    first_after_effect_ms: NonNegativeFloat | None = Field(
        default=None,
        description="the same for those confirmed after the fault took effect, of which one that "
        "was nearly done when it came is still the first; equal to first_ms where nobody knows "
        "when it did",
    )
    longest_gap_ms: NonNegativeFloat | None = Field(
        default=None, description="longest time within the span without a delivery"
    )


class Timeline(Document):
    """Goodput over time, in bins of one width; the last may be cut short by the end of the load."""

    begins_ms: float = Field(description="since the block began")
    bin_ms: PositiveFloat
    good: tuple[NonNegativeInt, ...] = Field(description="good operations that ended in each bin")


class BlockAvailability(Document):
    """A block, injection by injection in the order of their onsets."""

    outcomes_before: OutcomeCounts = Field(
        description="operations due before the first onset; all of them where there was none"
    )
    injections: tuple[Injection, ...]
    timeline: Timeline


class Spread(Document):
    """A figure over many injections, of which some may never have come to it.

    Those count as longer than all others: a median over those that came alone would flatter.
    """

    measured: NonNegativeInt
    never: NonNegativeInt = 0
    median: float | None = Field(
        default=None, description="null where half of them or more never came to it"
    )
    max: float | None = Field(default=None, description="of those that were measured")


class AvailabilitySummary(Document):
    """Many injections, of one strategy say: what they have in common, and the worst of them."""

    injections: NonNegativeInt
    unrecovered: NonNegativeInt = Field(description="whose goodput did not come back in the span")
    unseen: NonNegativeInt = Field(description="of which recovery could not be told either way")
    with_wedged_clients: NonNegativeInt
    wedged_clients: NonNegativeInt = Field(description="over all injections")
    server_ready_ms: Spread = Field(description="of those where somebody asked")
    first_ok_ms: Spread
    first_ok_after_effect_ms: Spread
    after_server_ms: Spread
    longest_gap_ms: Spread
    recovered_ms: Spread
    lost_good: Spread
    first_delivery_ms: Spread = Field(description="of those with relays, after the fault's effect")
    longest_delivery_gap_ms: Spread
    outcomes: OutcomeCounts
    in_flight_at_onset: NonNegativeInt
    ambiguity: Ambiguity
