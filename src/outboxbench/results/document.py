"""What all documents have in common, and the words that several of them use."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["pass", "fail", "unknown"]
Loop = Literal["asyncio", "uvloop"]
Profile = Literal["idiomatic", "matched"]
WritePlan = Literal["statements", "pipeline", "single", "group"]
Role = Literal["strategy", "ceiling"]
NonNegativeInt = Annotated[int, Field(ge=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]


class Document(BaseModel):
    """Base of every document and of its parts: values never change.

    Unknown keys are refused, and so are infinity and NaN, which JSON cannot write.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
