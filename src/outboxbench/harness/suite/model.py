"""A suite as its author writes it: a TOML file, checked key by key before anything starts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from outboxbench.core.strategies.registry import strategy_names
from outboxbench.core.strategies.settings import Isolation, Profile
from outboxbench.harness.errors import BadInput
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.job import Loop

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1)]

T = TypeVar("T")
OneOrMore = Annotated[tuple[T, ...], Field(min_length=1)]


class SuitePart(BaseModel):
    """Base of every part of a suite: an unknown key is an error, not a wish that is ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetSize(SuitePart):
    """What every fresh database holds."""

    accounts: Count = 10_000
    orders: Count = 1_000


class ArmMatrix(SuitePart):
    """Arms by their axes: every combination of the values is an arm."""

    strategies: OneOrMore[str]
    loops: OneOrMore[Loop] = ("asyncio", "uvloop")
    workloads: OneOrMore[str] = ("charge",)
    profiles: OneOrMore[Profile] = ("matched",)
    isolations: OneOrMore[Isolation] = ("read committed",)
    clients: OneOrMore[Count] = (16,)
    pool_size: Count | None = Field(default=None, description="connections; one a client if absent")
    workers: Count = 1

    @field_validator("strategies")
    @classmethod
    def _known_strategies(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _all_known(names, strategy_names())

    @field_validator("workloads")
    @classmethod
    def _known_workloads(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _all_known(names, CommandMix.SHARES)


class Suite(SuitePart):
    """What to measure, for how long, and how often."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str
    seed: int = 1
    rounds: Count = 5
    window_s: Seconds = 2.0
    warm_up_s: Annotated[float, Field(ge=0, le=3600)] = 0.3
    max_attempts: Count = 10
    statement_timeout_s: Seconds = 10.0
    lock_timeout_s: Seconds = 5.0
    connect_timeout_s: Seconds = 10.0
    ceiling: bool = True
    dataset: DatasetSize = DatasetSize()
    arms: OneOrMore[ArmMatrix]


def _all_known(names: tuple[str, ...], known: Iterable[str]) -> tuple[str, ...]:
    allowed = sorted(known)
    for name in names:
        if name not in allowed:
            raise ValueError(f"allowed are {', '.join(allowed)}")
    return names


def suite_folders() -> list[Path]:
    """Return where suites are looked for: the working directory's, then those that come along."""
    package = Path(__file__).parents[2]
    checkout = package.parents[1] / "bench" / "suites"
    folders = [Path("bench/suites"), package / "suites", checkout]
    return [folder for folder in folders if folder.is_dir()]


def list_suites() -> dict[str, Path]:
    """Return the suites that can be run by name."""
    found: dict[str, Path] = {}
    for folder in suite_folders():
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


def load_suite(path_or_name: str) -> Suite:
    """Read a suite by its path, or by its name among the known ones.

    Raises:
        BadInput: there is no such suite, or it says something that is not allowed.
    """
    path = Path(path_or_name)
    if path.suffix != ".toml" and path.name == path_or_name:
        known = list_suites()
        if path_or_name not in known:
            raise BadInput(
                f"there is no suite {path_or_name!r}: name one of {', '.join(sorted(known))}, "
                "or give the path of a TOML file"
            )
        path = known[path_or_name]
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInput(f"the suite {path} cannot be read: {reason}") from error
    try:
        return Suite.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the suite {path} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise BadInput(f"the suite {path} is not valid: {_first_problem(error)}") from error


def override(suite: Suite, **changes: Any) -> Suite:
    """Return the suite with some values replaced, those that are None left as they are.

    Raises:
        BadInput: a value is not allowed.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    try:
        return Suite.model_validate({**suite.model_dump(), **given})
    except ValidationError as error:
        raise BadInput(_first_problem(error)) from error


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    key = _key(problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"the key {key} is unknown: allowed are {_siblings(problem['loc'])}"
    if problem["type"] == "missing":
        return f"the key {key} is missing"
    reason = problem["msg"].removeprefix("Value error, ")
    return f"{key} cannot be {problem['input']!r}: {reason[0].lower()}{reason[1:]}"


def _key(location: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in location)


def _siblings(location: Sequence[int | str]) -> str:
    parts: dict[str, type[SuitePart]] = {"arms": ArmMatrix, "dataset": DatasetSize}
    part = parts.get(str(location[0]), Suite) if len(location) > 1 else Suite
    return ", ".join(part.model_fields)
