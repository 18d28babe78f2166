"""A suite as its author writes it: a TOML file, checked key by key before anything starts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from outboxbench.core.strategies.settings import Isolation, Profile
from outboxbench.harness.errors import BadInput
from outboxbench.harness.load.arrivals import ArrivalProcess
from outboxbench.harness.load.job import Loop
from outboxbench.harness.pinning import PinMode
from outboxbench.harness.suite.fault_model import FaultMatrix
from outboxbench.harness.suite.parts import (
    BusyWaitUs,
    Count,
    OneOrMore,
    PreparedFor,
    RateValue,
    RoundTripMs,
    Seconds,
    StrategyName,
    SuitePart,
    Timeout,
    WorkloadName,
)
from outboxbench.harness.suite.problems import first_problem
from outboxbench.harness.suite.relay_model import ChainMatrix, DrainMatrix
from outboxbench.harness.suite.service_model import ServiceMatrix

_LIMITS_OF_SERVICES = ("max_attempts", "statement_timeout_s", "lock_timeout_s", "connect_timeout_s")
"""What a service does not let itself be told; a run must not say that it was."""


class DatasetSize(SuitePart):
    """What every fresh database holds."""

    accounts: Count = 10_000
    orders: Count = 1_000


class ArmMatrix(SuitePart):
    """Arms by their axes: every combination of the values is an arm."""

    strategies: OneOrMore[StrategyName]
    loops: OneOrMore[Loop] = ("asyncio", "uvloop")
    workloads: OneOrMore[WorkloadName] = ("charge",)
    profiles: OneOrMore[Profile] = ("matched",)
    isolations: OneOrMore[Isolation] = ("read committed",)
    clients: OneOrMore[Count] = (16,)
    pool_size: Count | None = Field(default=None, description="connections; one a client if absent")
    workers: Count = 1
    rates: OneOrMore[RateValue] | None = Field(
        default=None, description="of an open loop; a closed one if absent"
    )
    arrivals: ArrivalProcess = "poisson"
    max_wait_s: Seconds = Field(
        default=1.0, description="an arrival that waits longer for a client is skipped"
    )
    network_rtt_ms: OneOrMore[RoundTripMs] | None = Field(
        default=None, description="what a round trip takes longer; no network in between if absent"
    )
    prepared_for: OneOrMore[PreparedFor] = Field(
        default=("nothing",), description="relays that nobody runs, to see what writers pay for"
    )
    copies: Count = Field(default=1, description="the same arm several times, to see the noise")
    busy_wait_us: OneOrMore[BusyWaitUs] = Field(
        default=(0.0,), description="a slowdown planted in every operation"
    )

    @field_validator("workers")
    @classmethod
    def _work_for_every_worker(cls, workers: int, info: ValidationInfo) -> int:
        shared = [*info.data.get("clients", ()), info.data.get("pool_size")]
        least = min((each for each in shared if each is not None), default=workers)
        if workers > least:
            raise ValueError(f"each needs a client and a connection, so it must be {least} or less")
        return workers


class Suite(SuitePart):
    """What to measure, for how long, and how often."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str
    seed: Annotated[int, Field(strict=True)] = 1
    rounds: Count = 5
    window_s: Seconds = 2.0
    warm_up_s: Annotated[float, Field(strict=True, ge=0, le=3600, allow_inf_nan=False)] = 0.3
    max_attempts: Count = 10
    statement_timeout_s: Timeout = 10.0
    lock_timeout_s: Timeout = 5.0
    connect_timeout_s: Timeout = 10.0
    ceiling: Annotated[bool, Field(strict=True)] = True
    pin: PinMode = "none"
    reference: StrategyName = "asyncpg"
    extra_rounds: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=0, description="measured once more for the arms that are inconclusive"
    )
    dataset: DatasetSize = DatasetSize()
    arms: tuple[ArmMatrix, ...] = ()
    services: tuple[ServiceMatrix, ...] = ()
    drains: tuple[DrainMatrix, ...] = ()
    chains: tuple[ChainMatrix, ...] = ()
    faults: tuple[FaultMatrix, ...] = ()

    @model_validator(mode="after")
    def _measures_something(self) -> Self:
        if not (self.arms or self.services or self.drains or self.chains or self.faults):
            raise ValueError(
                "it measures nothing: it needs [[arms]], [[services]], [[drains]], [[chains]] or "
                "[[faults]]"
            )
        return self

    @model_validator(mode="after")
    def _services_have_their_own_limits(self) -> Self:
        if self.services:
            for key in _LIMITS_OF_SERVICES:
                default = type(self).model_fields[key].default
                if getattr(self, key) != default:
                    raise ValueError(
                        f"[[services]] are measured with {key} = {default} alone: leave {key} out"
                    )
        return self

    def guests(self, only: frozenset[str]) -> list[str]:
        """Return the wanted strategies that the suite names nowhere: they come into all of it."""
        return sorted(
            only.difference(
                *(matrix.strategies for matrix in self.arms),
                *(matrix.strategies for matrix in self.services),
                *(matrix.strategies for matrix in self.drains),
                *(matrix.strategies for matrix in self.chains),
                *(matrix.strategies for matrix in self.faults),
            )
        )


_ALLOWED_KEYS = {
    "": Suite.model_fields,
    "arms": ArmMatrix.model_fields,
    "services": ServiceMatrix.model_fields,
    "drains": DrainMatrix.model_fields,
    "chains": ChainMatrix.model_fields,
    "faults": FaultMatrix.model_fields,
    "dataset": DatasetSize.model_fields,
}

_OPTIONS = {
    "window_s": "--duration",
    "rounds": "--rounds",
    "seed": "--seed",
    "reference": "--reference",
}


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
        raise BadInput(
            f"the suite {path} is not valid: {first_problem(error, _ALLOWED_KEYS)}"
        ) from error


def override(
    suite: Suite,
    *,
    window_s: float | None = None,
    rounds: int | None = None,
    seed: int | None = None,
    reference: str | None = None,
) -> Suite:
    """Return the suite with some values replaced, those that are None left as they are.

    Raises:
        BadInput: a value is not allowed.
    """
    asked = {"window_s": window_s, "rounds": rounds, "seed": seed, "reference": reference}
    given = {key: value for key, value in asked.items() if value is not None}
    try:
        return Suite.model_validate({**suite.model_dump(), **given})
    except ValidationError as error:
        raise BadInput(first_problem(error, _ALLOWED_KEYS, _OPTIONS)) from error
