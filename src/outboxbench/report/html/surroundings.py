"""Where and how a run was measured, as names and values; of two runs beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from outboxbench.report.numbers import BLANK, how_much, three_digits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from outboxbench.results.machine import Environment
    from outboxbench.results.model import Run

_BYTES_PER_GIB: Final = 2**30
_DIFFERENT_ANYWAY: Final = frozenset({"started", "resumed", "finished", "SHA-256 of run.json"})
"""What no two runs have in common, and so says nothing of what lies between them."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values under one heading."""

    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PairedFact:
    """A value in both runs."""

    name: str
    base: str
    head: str

    @property
    def differs(self) -> bool:
        """Whether the runs differ in it, where two runs might not."""
        return self.base != self.head and self.name not in _DIFFERENT_ANYWAY


@dataclass(frozen=True, slots=True)
class PairedFacts:
    """Names and values of two runs under one heading."""

    title: str
    facts: tuple[PairedFact, ...]

    @property
    def differences(self) -> int:
        """In how many of them the runs differ."""
        return sum(fact.differs for fact in self.facts)


def surroundings(run: Run) -> tuple[Facts, ...]:
    """The run, the machine, the server and the packages; a dash for what could not be read."""
    return (
        Facts("Run", tuple(_run(run))),
        Facts("Machine", tuple(_machine(run.environment))),
        Facts("Server", tuple(_server(run))),
        Facts("Packages", _sorted(run.environment.packages)),
    )


def paired_surroundings(base: Run, head: Run) -> tuple[PairedFacts, ...]:
    """The surroundings of both runs; a dash for what one of them does not name."""
    return tuple(
        _paired(one, other)
        for one, other in zip(surroundings(base), surroundings(head), strict=True)
    )


def _paired(base: Facts, head: Facts) -> PairedFacts:
    one, other = _by_name(base), _by_name(head)
    return PairedFacts(
        base.title,
        tuple(
            PairedFact(name, one.get(name, BLANK), other.get(name, BLANK))
            for name in dict.fromkeys((*one, *other))
        ),
    )


def _by_name(facts: Facts) -> dict[str, str]:
    """Values by their names; a run that was resumed twice has two values under one."""
    found: dict[str, list[str]] = {}
    for name, value in facts.facts:
        found.setdefault(name, []).append(value)
    return {name: ", ".join(values) for name, values in found.items()}


def _run(run: Run) -> Iterator[tuple[str, str]]:
    yield "suite", run.suite
    yield "measured", how_much(run)
    if run.rounds_added:
        yield "rounds added", f"{run.rounds_added}"
    yield "warm-up", BLANK if run.warm_up_s is None else f"{run.warm_up_s:g} s"
    yield "seed", f"{run.seed}"
    yield "reference", run.reference or BLANK
    yield "started", f"{run.started_at:%Y-%m-%d %H:%M:%S %Z}"
    for resumed_at in run.resumed_at:
        yield "resumed", f"{resumed_at:%Y-%m-%d %H:%M:%S %Z}"
    yield "finished", f"{run.finished_at:%Y-%m-%d %H:%M:%S %Z}"
    calibrated_at = run.calibrated_at
    yield "noise recorded", f"{calibrated_at:%Y-%m-%d}" if calibrated_at else "never"
    for delay in run.network:
        yield (
            f"network, {delay.rtt_ms:g} ms asked for",
            f"{three_digits(delay.added_p50_us)} µs at the median",
        )
    yield "SHA-256 of run.json", run.sha256 or BLANK


def _machine(environment: Environment) -> Iterator[tuple[str, str]]:
    yield "processor", environment.cpu_model or BLANK
    yield "cores", f"{environment.cores}"
    if environment.cpu_limit_cores is not None:
        yield "allowed cores", f"{environment.cpu_limit_cores:g}"
    yield "governor", environment.cpu_governor or BLANK
    yield "memory", _gib(environment.memory_bytes)
    if environment.memory_limit_bytes is not None:
        yield "allowed memory", _gib(environment.memory_limit_bytes)
    yield "kernel", environment.kernel
    yield "file system of the data", environment.data_filesystem or BLANK
    yield "device of the data", environment.data_device or BLANK
    fsync_us = environment.fsync_us
    yield "one sync to disk", BLANK if fsync_us is None else f"{three_digits(fsync_us)} µs"
    yield "Python", f"{environment.implementation} {environment.python}"
    yield "libpq", environment.libpq or BLANK
    yield "psycopg", environment.psycopg_implementation or BLANK


def _server(run: Run) -> Iterator[tuple[str, str]]:
    yield "PostgreSQL", run.server.version
    yield "origin", run.server.origin
    yield "cores of the server", _cores(run.pinning.server_cores)
    yield "cores of the clients", _cores(run.pinning.client_cores)
    yield from _sorted(run.server.settings)


def _sorted(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(values.items()))


def _cores(cores: tuple[int, ...] | None) -> str:
    return "any" if cores is None else ", ".join(map(str, cores))


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / _BYTES_PER_GIB:.1f} GiB"
