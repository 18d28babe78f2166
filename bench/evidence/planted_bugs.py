"""Evidence that the judge can be believed: bugs that were planted, each convicted by its own check.

    python bench/evidence/planted_bugs.py --only dual-write,settles-first

The package in bench/planted-bugs is installed into a temporary folder and seen by this run alone.
One run measures every bug where it shows, beside a strategy that has it not. Each has to fail by
the check that is named for it, by nothing else but what follows from that, and its neighbour by
none at all.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from outboxbench.results.run_file import read_run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from outboxbench.results.faults import FaultArm

EXECUTABLE = Path(sysconfig.get_path("scripts")) / "outboxbench"
PACKAGE = Path(__file__).parents[1] / "planted-bugs"
SUITE = PACKAGE / "planted-bugs.toml"
CONVICTIONS = PACKAGE / "convictions.toml"
PART = "[[faults]]\n"
INSTALL_TIMEOUT_S = 300.0
RUN_TIMEOUT_S = 3600.0
BAD_INPUT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A planted bug: what it is, where it shows, and the check that has to convict it.

    `may_fail` are the checks that fail as a consequence. `control` is the strategy that is to pass
    under the same fault, with other `retries` where those are the bug.
    """

    name: str
    strategy: str
    does: str
    exposed_by: str
    check: str
    control: str
    may_fail: tuple[str, ...] = ()
    retries: str | None = None

    def is_in(self, arm: FaultArm) -> bool:
        """Whether an arm has the bug."""
        return arm.strategy == self.strategy and self.retries in (None, arm.retries)

    def is_controlled_by(self, arm: FaultArm, other: FaultArm) -> bool:
        """Whether an arm is what another one, which has the bug, would be without it."""
        return (
            arm.strategy == self.control
            and not self.is_in(arm)
            and (self.retries is not None or arm.retries == other.retries)
            and (arm.fault, arm.workload) == (other.fault, other.workload)
            and (arm.relaying, arm.settings) == (other.relaying, other.settings)
        )


@dataclass(frozen=True, slots=True)
class Conviction:
    """What became of a bug: the checks that failed, and those that failed beside it without it."""

    bug: Bug
    failing: tuple[str, ...]
    control_failing: tuple[str, ...] | None

    @property
    def verdict(self) -> str:
        """`convicted`, or what is wrong."""
        if self.bug.check not in self.failing:
            return "acquitted"
        if set(self.failing) - {self.bug.check, *self.bug.may_fail}:
            return "by accident"
        if self.control_failing is None:
            return "no control"
        return "control failed" if self.control_failing else "convicted"


def read_bugs(path: Path = CONVICTIONS) -> dict[str, Bug]:
    """Return the bugs by their names."""
    bugs = [
        Bug(**{"strategy": fields["name"], **fields, "may_fail": tuple(fields.get("may_fail", ()))})
        for fields in tomllib.loads(path.read_text(encoding="utf-8"))["bugs"]
    ]
    return {bug.name: bug for bug in bugs}


def suite_of(suite: str, bugs: Collection[Bug]) -> str:
    """Return the text of a suite with the parts of some bugs alone."""
    head, *parts = suite.split(PART)
    return PART.join([head, *(part for part in parts if any(_is_about(part, b) for b in bugs))])


def convict(bugs: Collection[Bug], arms: Sequence[FaultArm]) -> list[Conviction]:
    """Set what failed in a run against what had to fail.

    Raises:
        ValueError: a bug was not measured, or more than once.
    """
    convictions = []
    for bug in bugs:
        mine = [arm for arm in arms if bug.is_in(arm)]
        if len(mine) != 1:
            raise ValueError(f"the run has {len(mine)} arms with the bug {bug.name}, and not one")
        controls = [arm for arm in arms if bug.is_controlled_by(arm, mine[0])]
        failing = _failing(controls[0]) if controls else None
        convictions.append(Conviction(bug, _failing(mine[0]), failing))
    return convictions


def main() -> int:
    """Print the table; the exit code is 1 if any bug got away, or anything failed by accident."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="these bugs alone: a,b,c")
    parser.add_argument("--seed", type=int, default=1, help="of the load and the faults")
    parser.add_argument("--out", type=Path, default=Path("results/runs"))
    arguments = parser.parse_args()
    known = read_bugs()
    names = list(known) if arguments.only is None else arguments.only.split(",")
    if unknown := [name for name in names if name not in known]:
        print(
            f"there is no planted bug {unknown[0]!r}: name one of {', '.join(known)}",
            file=sys.stderr,
        )
        return BAD_INPUT
    bugs = [known[name] for name in names]
    with tempfile.TemporaryDirectory(prefix="outboxbench-planted-") as folder:
        installed = Path(folder) / "installed"
        _install(installed)
        suite = SUITE
        if arguments.only is not None:
            suite = Path(folder) / SUITE.name
            suite.write_text(suite_of(SUITE.read_text(encoding="utf-8"), bugs), encoding="utf-8")
        before = _runs(arguments.out)
        code = _run(suite, installed, arguments.out, arguments.seed)
    if code not in (0, 1):
        return code
    (run_folder,) = _runs(arguments.out) - before
    convictions = convict(bugs, read_run(run_folder).faults)
    convicted = sum(each.verdict == "convicted" for each in convictions)
    console = Console(width=None if sys.stdout.isatty() else 180)
    console.print(_table(convictions))
    console.print(f"{convicted} of {len(bugs)} bugs convicted, each beside a control that passed")
    console.print(f"run: {run_folder}", soft_wrap=True)
    return int(convicted < len(bugs))


def _is_about(part: str, bug: Bug) -> bool:
    (matrix,) = tomllib.loads(PART + part)["faults"]
    return bug.strategy in matrix["strategies"] and bug.retries in (None, *matrix["retries"])


def _install(folder: Path) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-index", "--no-deps", "--no-build-isolation", "--target", folder, PACKAGE),
        ],
        check=True,
        timeout=INSTALL_TIMEOUT_S,
    )


def _run(suite: Path, installed: Path, out: Path, seed: int) -> int:
    path = os.pathsep.join(filter(None, (str(installed), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [EXECUTABLE, "run", suite, "--seed", str(seed), "--out", out],
        check=False,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        timeout=RUN_TIMEOUT_S,
    )
    return done.returncode


def _runs(folder: Path) -> set[Path]:
    return {each.parent for each in folder.glob("*/run.json")}


def _failing(arm: FaultArm) -> tuple[str, ...]:
    return tuple(check.name for check in arm.checks if check.verdict != "pass")


def _table(convictions: Sequence[Conviction]) -> Table:
    table = Table(title="planted bugs", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("bug", "what it does", "exposed by", "expected check", "failing checks"):
        table.add_column(column)
    table.add_column("verdict", no_wrap=True)
    for each in convictions:
        bug = each.bug
        failing = [name for name in each.failing if name == bug.check]
        failing += [name for name in each.failing if name != bug.check]
        table.add_row(
            bug.name, bug.does, bug.exposed_by, bug.check, "\n".join(failing) or "-", each.verdict
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
