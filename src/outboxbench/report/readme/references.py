"""The reference results of a checkout, and what is said of where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from outboxbench.report.markdown import escaped
from outboxbench.results.reference import REFERENCE_FILE
from outboxbench.results.run_file import read_run
from outboxbench.results.store import check_histograms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outboxbench.results.model import Run

FOLDER: Final = Path("results/reference")
"""In a checkout."""

WANTED: Final = ("throughput", "latency", "relay", "faults", "thesis")
"""The suites that every question of the README is answered by."""


@dataclass(frozen=True, slots=True)
class References:
    """The runs that references were made of, by their suites."""

    runs: Mapping[str, Run]

    def first_of(self, suites: Iterable[str]) -> Run | None:
        """The run of the first of these suites that is there."""
        return next((self.runs[suite] for suite in suites if suite in self.runs), None)

    @property
    def in_order(self) -> tuple[Run, ...]:
        """Those that are wanted in their order, then the others by name."""
        names = [*WANTED, *sorted(self.runs.keys() - set(WANTED))]
        return tuple(self.runs[name] for name in names if name in self.runs)


def read_references(folder: Path) -> References:
    """Read all references in a folder; there need not be any.

    Raises RunReadError where one is damaged, or was changed.
    """
    runs = {}
    for path in sorted(file.parent for file in folder.glob(f"*/{REFERENCE_FILE}")):
        run = read_run(path)
        check_histograms(path, run)
        runs[run.suite] = run
    return References(runs)


def how_to_add(suite: str) -> str:
    """The commands that put a suite into the reference."""
    return f"`make bench SUITE={suite}`, `make reference RUN=results/runs/…` and `make readme`"


def link(suite: str, up: str) -> str:
    """A link to a reference; `up` leads from the document to the checkout."""
    return f"[`{suite}`]({up}{FOLDER.as_posix()}/{suite})"


def origin(run: Run, up: str) -> str:
    """Whether a reference can be believed, and where and when it was measured, in sentences."""
    doubts = ", ".join(f"`{each.code}`" for each in run.warnings)
    against = f"Its warnings: {doubts}." if doubts else "It has no warnings."
    return (
        f"Reference {link(run.suite, up)}, verdict **{run.verdict}**, measured on"
        f" {run.started_at:%Y-%m-%d} on {surroundings(run)}. {against}"
    )


def surroundings(run: Run) -> str:
    """The machine and the software of a run in few words."""
    environment = run.environment
    told = (
        environment.cpu_model or "a processor that does not tell its name",
        f"{environment.cores} cores",
        f"{environment.memory_bytes / 1e9:.0f} GB",
        f"PostgreSQL {run.server.version}",
        f"Python {environment.python}",
    )
    return escaped(", ".join(told))
