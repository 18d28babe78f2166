"""The kinds of values that a suite is made of, each checked as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from outboxbench.core.strategies.registry import strategy_names
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.suite.rates import parse_rate

if TYPE_CHECKING:
    from collections.abc import Iterable


def _known_strategy(name: str) -> str:
    return one_of(name, strategy_names())


def _known_workload(name: str) -> str:
    return one_of(name, CommandMix.SHARES)


def one_of(name: str, known: Iterable[str]) -> str:
    """Return the name if it is known.

    Raises:
        ValueError: it is not; the text says which are.
    """
    allowed = sorted(known)
    if name not in allowed:
        raise ValueError(f"allowed are {', '.join(allowed)}")
    return name


def _known_rate(value: float | str) -> float | str:
    parse_rate(value)
    return value


# Strict: a number in quotation marks, or a truth value for a count, is a slip of the author.
Seconds = Annotated[float, Field(strict=True, gt=0, le=86_400, allow_inf_nan=False)]
# The server knows timeouts in whole milliseconds, and takes 0 for none.
Timeout = Annotated[float, Field(strict=True, ge=0.001, le=86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=1)]
CountOrZero = Annotated[int, Field(strict=True, ge=0)]
# More than a second is no network of a service.
RoundTripMs = Annotated[float, Field(strict=True, ge=0, le=1000, allow_inf_nan=False)]
BusyWaitUs = Annotated[float, Field(strict=True, ge=0, le=1_000_000, allow_inf_nan=False)]
RateValue = Annotated[Annotated[float, Field(strict=True)] | str, AfterValidator(_known_rate)]
StrategyName = Annotated[str, AfterValidator(_known_strategy)]
WorkloadName = Annotated[str, AfterValidator(_known_workload)]

T = TypeVar("T")
OneOrMore = Annotated[tuple[T, ...], Field(min_length=1)]


PreparedFor = Literal["nothing", "lease", "lease notified", "delete", "delete notified", "sharded"]
"""The relay plan that a database has the tables of; `notified` if commits are announced as well."""


class SuitePart(BaseModel):
    """Base of every part of a suite: an unknown key is an error, not a wish that is ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
