"""How much memory processes took over a block, second by second and thinned."""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from outboxbench.results.document import Document, NonNegativeFloat, NonNegativeInt

MemoryOf: TypeAlias = Literal["clients", "relays", "harness", "server"]


class MemorySeries(Document):
    """Resident memory of some processes together, without what they share or map from files.

    A point was taken each second; of a long block every second one, fourth one and so on is left,
    so that there are never more than 600. There is no point where one of the processes was gone.
    """

    of: MemoryOf
    at_s: tuple[NonNegativeFloat, ...] = Field(description="since the block began")
    mib: tuple[NonNegativeFloat, ...] = Field(description="MiB, at each point")
    generations: tuple[NonNegativeInt, ...] = Field(
        description="at each point, how often some of the processes had been replaced; always 0 of "
        "the server, whose sessions come and go with every fault"
    )

    @model_validator(mode="after")
    def _tells_all_of_every_point(self) -> Self:
        if not len(self.at_s) == len(self.mib) == len(self.generations):
            raise ValueError("at_s, mib and generations must be equally long")
        return self
