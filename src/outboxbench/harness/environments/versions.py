"""Environments of other versions: of a driver, a library, or Python itself."""

from __future__ import annotations

import json
import sys
from importlib.metadata import requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from outboxbench.harness.environments.asking import ask
from outboxbench.harness.environments.building import build_environment
from outboxbench.harness.environments.modules import lent_modules
from outboxbench.harness.environments.worker_environment import WorkerEnvironment
from outboxbench.harness.errors import BadInput
from outboxbench.results.environment import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NEEDED: Final = ("asyncpg", "numpy", "psycopg", "sqlalchemy", "uvloop")
"""What a worker imports beside the standard library, as far as we ask for it ourselves."""

BROUGHT_ALONG: Final = ("greenlet", "psycopg-binary", "psycopg-pool")
"""What these bring along, and can be had in another version as well."""

_DESCRIBE: Final = """
import json, platform, sys
from importlib.metadata import PackageNotFoundError, version
found = {}
for name in json.loads(sys.argv[1]):
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
import outboxbench.harness.load.worker
print(json.dumps([platform.python_version(), found]))
"""

_PYTHON: Final = "python="


class Wish(NamedTuple):
    """What an environment is to have instead of what is installed here."""

    name: str
    requirements: tuple[Requirement, ...]
    python: Path | None


def parse_wish(text: str) -> Wish:
    """Read what `--with` says: requirements, and `python=` with an interpreter, between commas.

    Raises:
        BadInput: a part is neither, or asks for what no worker has to do with.
    """
    requirements, python = [], None
    for part in (each.strip() for each in text.split(",")):
        if part.startswith(_PYTHON):
            python = Path(part.removeprefix(_PYTHON)).absolute()
            continue
        try:
            requirement = Requirement(part)
        except InvalidRequirement:
            raise BadInput(
                f"--with {part!r} is no requirement: write it as asyncpg==0.30.0, or as "
                "python=/usr/bin/python3.12"
            ) from None
        if canonicalize_name(requirement.name) not in (*NEEDED, *BROUGHT_ALONG):
            raise BadInput(
                f"--with {requirement.name} would change nothing: what is measured stands on "
                f"{', '.join((*NEEDED, *BROUGHT_ALONG))}"
            )
        requirements.append(requirement)
    return Wish(text, tuple(requirements), python)


def version_environments(
    wishes: Sequence[Wish], observe: Callable[[str], None]
) -> tuple[WorkerEnvironment, ...]:
    """Return an environment for each wish; the first is the base.

    One wish alone is compared with what is installed here, which then is the base.

    Raises:
        BadInput: there is no such interpreter.
        CannotRun: an environment cannot be built, or this package does not work in it.
    """
    modules = lent_modules()
    here = [_described(WorkerEnvironment("as installed", Path(sys.executable), is_base=True))]
    built = [
        _described(
            WorkerEnvironment(
                wish.name,
                build_environment(_requirements(wish), python=wish.python, observe=observe),
                (modules,),
                is_base=number == 0 and len(wishes) > 1,
            )
        )
        for number, wish in enumerate(wishes)
    ]
    return tuple(here + built if len(wishes) == 1 else built)


def _described(environment: WorkerEnvironment) -> WorkerEnvironment:
    python, packages = ask(environment, _DESCRIBE, json.dumps(PACKAGES))
    return environment.with_versions(python, packages)


def _own_requirements() -> dict[str, Requirement]:
    """What a worker needs of what this package asks for, by name, with its extras."""
    found: dict[str, Requirement] = {}
    for text in requires("outboxbench") or ():
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name in NEEDED and requirement.marker is None:
            found[name] = requirement
    return found


def _requirements(wish: Wish) -> list[str]:
    """What to install: what is asked for, and of all else the versions that are installed here."""
    asked = {str(canonicalize_name(each.name)): each for each in wish.requirements}
    texts = [str(each) for name, each in asked.items() if name in BROUGHT_ALONG]
    for name, own in _own_requirements().items():
        wanted = asked.get(name)
        extras = f"[{','.join(sorted(own.extras))}]" if own.extras else ""
        specifier = f"=={version(name)}" if wanted is None else str(wanted.specifier)
        texts.append(f"{name}{extras}{specifier}")
    return texts
