"""The two sides of a regression check: where the workers of each run, and what both can run."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from outboxbench.harness.environments.asking import ask
from outboxbench.harness.environments.building import build_environment, build_from_lock
from outboxbench.harness.environments.modules import lent_modules
from outboxbench.harness.environments.worker_environment import WorkerEnvironment
from outboxbench.harness.errors import CannotRun
from outboxbench.results.environment import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from outboxbench.harness.regress.revisions import Repository, Revision

LOCKS: Final = ("constraints.txt", "requirements.txt")
"""Files that say which versions a revision stands on, the first that is there."""

# Everything that passes between the harness and a worker, so that both mean the same by it.
_DESCRIBE: Final = """
import dataclasses, json, platform, sys
import outboxbench.harness.cost.worker, outboxbench.harness.load.worker
from importlib.metadata import PackageNotFoundError, version
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.cost.answers import Measured
from outboxbench.harness.load.job import Job, OpenLoad, Window, WorkerResult
from outboxbench.results.model import SCHEMA_VERSION
packages, broken = {}, {}
names, strategies = json.loads(sys.argv[1])
for name in names:
    try:
        packages[name] = version(name)
    except PackageNotFoundError:
        pass
for name in strategies:
    try:
        load_strategy(name)
    except Exception as error:
        broken[name] = str(error)
told = (Job, Measured, OpenLoad, StrategySettings, Window, WorkerResult)
print(json.dumps({
    "python": platform.python_version(),
    "packages": packages,
    "broken": broken,
    "schema": SCHEMA_VERSION,
    "messages": {each.__name__: sorted(f.name for f in dataclasses.fields(each)) for each in told},
}))
"""


@dataclass(frozen=True, slots=True)
class Sides:
    """Base and head, and the strategies that head alone has."""

    base: WorkerEnvironment
    head: WorkerEnvironment
    new: tuple[str, ...]


@contextmanager
def two_sides(
    repository: Repository,
    base: Revision,
    strategies: Sequence[str],
    observe: Callable[[str], None],
) -> Iterator[Sides]:
    """Yield both sides; the files of the base are gone at the end, its environment is kept.

    Where both revisions are locked to the same versions they share the environment of the harness.

    Args:
        repository: the checkout, which is at head.
        base: what head is compared with.
        strategies: those that are to be measured.
        observe: is told before something takes a while.

    Raises:
        CannotRun: the base cannot be built, or is of another time than this harness understands.
    """
    with repository.exported(base) as tree:
        lent = lent_modules()
        heads = WorkerEnvironment("head", _here(), (_sources(repository.root), lent))
        bases = WorkerEnvironment(
            "base",
            _interpreter(tree, repository.root, base, observe),
            (_sources(tree), lent),
            is_base=True,
        )
        question = json.dumps([PACKAGES, list(strategies)])
        of_head = ask(heads, _DESCRIBE, question)
        of_base = _ask_base(bases, base, question)
        _require_same_messages(of_base, of_head, base)
        if of_head["broken"]:
            name, reason = next(iter(of_head["broken"].items()))
            raise CannotRun(f"the strategy {name} cannot be loaded at head ({reason}): mend it")
        yield Sides(
            bases.with_versions(of_base["python"], of_base["packages"]),
            heads.with_versions(of_head["python"], of_head["packages"]),
            tuple(of_base["broken"]),
        )


def _here() -> Path:
    return Path(sys.executable)


def _sources(tree: Path) -> Path:
    """Return the folder that imports begin in."""
    sources = tree / "src"
    return sources if sources.is_dir() else tree


def _interpreter(tree: Path, root: Path, base: Revision, observe: Callable[[str], None]) -> Path:
    lock = next((tree / name for name in LOCKS if (tree / name).is_file()), None)
    if lock is None:
        return _here()
    content = lock.read_bytes()
    ours = root / lock.name
    if ours.is_file() and ours.read_bytes() == content:
        return _here()
    try:
        if b"--hash=" in content:
            return build_from_lock(lock, observe=observe)
        lines = (line.partition("#")[0].strip() for line in content.decode().splitlines())
        return build_environment([line for line in lines if line], observe=observe)
    except CannotRun as error:
        raise CannotRun(f"the base {base.name} cannot be built: {error}") from error


def _ask_base(environment: WorkerEnvironment, base: Revision, question: str) -> dict[str, Any]:
    try:
        described: dict[str, Any] = ask(environment, _DESCRIBE, question)
    except CannotRun as error:
        raise CannotRun(
            f"the base {base.name} ({base.short}) does not run: {error}; or name a later one"
        ) from error
    return described


def _require_same_messages(base: dict[str, Any], head: dict[str, Any], revision: Revision) -> None:
    if base["schema"] != head["schema"]:
        raise CannotRun(
            f"the base {revision.name} ({revision.short}) writes results of version "
            f"{base['schema']}, and head of version {head['schema']}: name a base of the same "
            "version, or compare two runs with `outboxbench compare`"
        )
    changed = [
        name for name in head["messages"] if base["messages"].get(name) != head["messages"][name]
    ]
    if changed:
        raise CannotRun(
            f"the workers of the base {revision.name} ({revision.short}) are told what to do in "
            f"other words ({', '.join(changed)}): name a later base"
        )
