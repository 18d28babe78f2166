"""Revisions of a checkout, read through git, which is told to change nothing."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from outboxbench.harness.environments.cache import CACHE_VARIABLE, cache_folder
from outboxbench.harness.errors import BadInput, CannotRun

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN_FILES: Final = 3
_SHORT: Final = 10


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, and what the user called it."""

    name: str
    commit: str

    @property
    def short(self) -> str:
        """Enough of the commit to tell it from others."""
        return self.commit[:_SHORT]


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkout; `root` is its top folder, `git` the program that reads it."""

    root: Path
    git: str

    @classmethod
    def around(cls, folder: Path) -> Repository:
        """Return the checkout that a folder is part of.

        Raises:
            CannotRun: there is no git here.
            BadInput: the folder is in no checkout.
        """
        git = shutil.which("git")
        if git is None:
            raise CannotRun("revisions are read with git, which is not installed here: install it")
        done = _run(git, folder, "rev-parse", "--show-toplevel")
        if done.returncode:
            raise BadInput(
                f"{folder} is no checkout of git ({_reason(done)}): call this in a checkout of "
                "what is to be compared"
            )
        return cls(Path(done.stdout.strip()), git)

    def require_clean(self) -> None:
        """Refuse a checkout whose files are not as they were committed.

        Raises:
            BadInput: there are changes; files that git does not know are none.
        """
        done = self._ask("status", "--porcelain", "--untracked-files=no")
        changed = [line[3:] for line in done.splitlines()]
        if changed:
            shown = ", ".join(changed[:_SHOWN_FILES])
            more = (
                "" if len(changed) <= _SHOWN_FILES else f" and {len(changed) - _SHOWN_FILES} more"
            )
            raise BadInput(
                f"the checkout has changes that no commit holds ({shown}{more}): commit or stash "
                "them, so that what was measured can be named"
            )

    def resolve(self, name: str) -> Revision:
        """Return the commit that a name stands for.

        Raises:
            BadInput: there is none.
        """
        done = self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if done.returncode:
            raise BadInput(
                f"there is no revision {name!r} here: name a branch, a tag or a commit, and fetch "
                "it first if the checkout is shallow"
            )
        return Revision(name, done.stdout.strip())

    @contextmanager
    def exported(self, revision: Revision) -> Iterator[Path]:
        """Yield a folder with the files of a revision, which is removed at the end.

        Raises:
            CannotRun: it cannot be written.
        """
        kept = cache_folder() / "trees"
        try:
            kept.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{revision.short}-", dir=kept))
        except OSError as error:
            raise CannotRun(
                f"cannot write in {kept} ({error.strerror}): set {CACHE_VARIABLE} to a folder with "
                "room that can be written"
            ) from error
        try:
            with tempfile.TemporaryFile() as archive:
                self._archive(revision, archive)
                archive.seek(0)
                with tarfile.open(fileobj=archive) as files:
                    files.extractall(folder, filter="data")
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _archive(self, revision: Revision, file: IO[bytes]) -> None:
        done = subprocess.run(
            [self.git, "-C", self.root, "archive", "--format=tar", revision.commit],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"git cannot export {revision.name} ({_reason(done)}): see `git fsck`")

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return _run(self.git, self.root, *words)

    def _ask(self, *words: str) -> str:
        done = self._run(*words)
        if done.returncode:
            raise CannotRun(f"git {words[0]} fails in {self.root}: {_reason(done)}")
        return done.stdout


def _run(git: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # Even `status` would refresh the index of the checkout, were it not told.
        [git, "--no-optional-locks", "-C", folder, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return lines[-1].removeprefix("fatal: ")
