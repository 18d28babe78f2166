"""Builds a virtual environment of some packages once, and finds it again."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

from outboxbench.harness.environments.cache import CACHE_VARIABLE, cache_folder
from outboxbench.harness.errors import BadInput, CannotRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Observe = Callable[[str], None]
    """Is told in a clause what takes a while."""

COMPLETE: Final = ".complete"
"""The file that is written last: an environment without it was never finished."""

_INSTALL: Final = ("install", "--quiet", "--disable-pip-version-check", "--no-input")
_IDENTIFY: Final = (
    "import json, platform, sysconfig;"
    "print(json.dumps([platform.python_implementation(), platform.python_version(),"
    " sysconfig.get_platform()]))"
)
_DIGITS: Final = 24
"""Of a digest; enough for the names of folders."""


def build_environment(
    requirements: Sequence[str], *, python: Path | None = None, observe: Observe
) -> Path:
    """Return the interpreter of an environment in which these requirements are installed.

    It is built at the first call, and found by every later one, of any process. What a requirement
    by address leads to is fetched once, whatever lies there later.

    Args:
        requirements: as pip has them, such as `asyncpg==0.30.0`.
        python: the interpreter to build from; None for the one that runs.
        observe: is told before something takes a while.

    Raises:
        BadInput: a requirement is none, or `python` is no interpreter.
        CannotRun: it cannot be built; nothing of it is left then.
    """
    wanted = sorted({_requirement(text) for text in requirements})
    if not wanted:
        raise BadInput("an environment of no packages was asked for: name some requirements")
    base = _interpreter(python)
    order = _Order(
        name=", ".join(wanted),
        key=_digest("requirements", *wanted, *base.traits),
        # Behind the dashes nothing is taken for an option, whatever it looks like.
        words=["--", *wanted],
    )
    return _found_or_built(order, base, observe)


def build_from_lock(lock: Path, *, python: Path | None = None, observe: Observe) -> Path:
    """Return the interpreter of an environment of all that a file pins by hash, and nothing else.

    As `build_environment`; another content of the file is another environment. Packages that must
    be compiled are refused, as what a compiler makes has no hash.

    Raises:
        BadInput: the file cannot be read, or `python` is no interpreter.
        CannotRun: it cannot be built; nothing of it is left then.
    """
    try:
        content = lock.read_bytes()
    except OSError as error:
        raise BadInput(
            f"cannot read {lock} ({error.strerror}): name a file of requirements with hashes"
        ) from error
    base = _interpreter(python)
    order = _Order(
        name=f"what {lock} pins",
        key=_digest("lock", hashlib.sha256(content).hexdigest(), *base.traits),
        words=["--require-hashes", "--only-binary", ":all:", "-r", str(lock.absolute())],
    )
    return _found_or_built(order, base, observe)


class _Order(NamedTuple):
    name: str
    key: str
    words: Sequence[str]
    """What pip is told to install."""


class _Base(NamedTuple):
    path: Path
    traits: tuple[str, ...]
    """What an environment of the one has that an environment of another has not."""


def _requirement(text: str) -> str:
    try:
        # It begins with a name, and so never with the dash of an option.
        return str(Requirement(text))
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"{text!r} is no requirement ({reason}): write it as pip takes it, such as"
            " `asyncpg==0.30.0`"
        ) from error


def _interpreter(python: Path | None) -> _Base:
    path = Path(sys.executable) if python is None else python
    try:
        answer = subprocess.run(
            [path, "-I", "-c", _IDENTIFY], capture_output=True, text=True, check=True
        )
        traits = tuple(map(str, json.loads(answer.stdout)))
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise BadInput(
            f"{path} is no Python interpreter: name one that runs, such as /usr/bin/python3"
        ) from error
    return _Base(path, traits)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]


def _found_or_built(order: _Order, base: _Base, observe: Observe) -> Path:
    folder = cache_folder() / "environments" / order.key
    interpreter = folder / "bin" / "python"
    # The base it links to may be gone by now.
    if (folder / COMPLETE).exists() and interpreter.exists():
        return interpreter
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_suffix(".lock"), order.name, observe) as lock:
            if not ((folder / COMPLETE).exists() and interpreter.exists()):
                _Building(order.name, lock).build(order.words, base, folder, observe)
    except OSError as error:
        raise CannotRun(
            f"cannot build an environment in {folder.parent} ({error.strerror}):"
            f" set {CACHE_VARIABLE} to a folder with room that can be written"
        ) from error
    return interpreter


@contextmanager
def _locked(path: Path, name: str, observe: Observe) -> Iterator[int]:
    """Keep others from building the same; the system takes the lock from who is killed."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            observe(f"waiting for another process that builds an environment of {name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


class _Building(NamedTuple):
    name: str
    lock: int
    """Its descriptor: a pip that outlives us holds the lock until it has ended as well."""

    def build(self, words: Sequence[str], base: _Base, folder: Path, observe: Observe) -> None:
        observe(f"building an environment of {self.name}, once")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            # Our own pip installs for it: one of its own takes longer than most packages.
            self._call(base.path, "-I", "-m", "venv", "--without-pip", folder)
            interpreter = folder / "bin" / "python"
            self._call(sys.executable, "-m", "pip", "--python", interpreter, *_INSTALL, *words)
            (folder / COMPLETE).write_text(f"{self.name}\n", encoding="utf-8")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _call(self, *command: str | Path) -> None:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            pass_fds=[self.lock],
            check=False,
        )
        if done.returncode:
            raise CannotRun(
                f"cannot build an environment of {self.name} ({_reason(done)}): see that pip"
                f" reaches a package index, or set {CACHE_VARIABLE} to a folder where it was built"
                " before"
            )


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    last = (errors or lines or [f"exit status {done.returncode}"])[-1]
    return last.rstrip(".:")
