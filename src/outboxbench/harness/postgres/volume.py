"""A volume so small that it can be filled: what a database may grow to, and no more.

The tables of one database lie on it; the log and all that the server has besides stay where they
were, so that commits cost what they cost elsewhere, and a server whose tables cannot grow goes on.
It is held in memory: what is written to tables is on disk in the log before anybody is told.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.account import server_account
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.cluster import Cluster

SIZE_BYTES: Final = 128 * 1024 * 1024
HOW_TO_BE_ALLOWED: Final = (
    "it takes the rights of root (CAP_SYS_ADMIN) on Linux: run as root, and in a container with "
    "that right, or leave it out"
)

_TABLESPACE: Final = sql.Identifier("outboxbench_volume")
_LARGEST_STEP_BYTES: Final = 1024 * 1024
_SMALLEST_STEP_BYTES: Final = 4096
"""A page: space is given out in no smaller parts."""
_CAP_SYS_ADMIN: Final = 21


def may_mount() -> bool:
    """Tell whether this process has the right to mount a volume."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    rights = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return rights is not None and bool(int(rights[1], 16) >> _CAP_SYS_ADMIN & 1)


class SmallVolume:
    """A volume of `SIZE_BYTES` in the folder of a cluster, of which it may have one.

    It goes with the cluster: whoever removes that folder unmounts what is in it, the janitor too.
    Not before, as a server that ends still writes to it.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._folder = cluster.data_directory.parent / "volume"
        self._filler = self._folder / "filler"

    def mount(self) -> None:
        """Make it.

        Raises:
            CannotRun: nothing can be mounted here.
        """
        account = server_account()
        uid, gid = (os.geteuid(), os.getegid()) if account is None else (account.uid, account.gid)
        self._folder.mkdir(mode=0o700)
        _mount(self._folder, f"size={SIZE_BYTES},mode=0700,uid={uid},gid={gid}")
        self._tables.mkdir(mode=0o700)
        os.chown(self._tables, uid, gid)

    @property
    def _tables(self) -> Path:
        return self._folder / "tables"

    def take_in(self, address: DatabaseAddress) -> None:
        """Move a database to the volume; nobody may be connected to it.

        Raises:
            CannotRun: it is too large for that.
        """
        with connect(self._cluster.address) as connection:
            connection.execute(
                sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(
                    _TABLESPACE, sql.Literal(str(self._tables))
                )
            )
            try:
                connection.execute(
                    sql.SQL("ALTER DATABASE {} SET TABLESPACE {}").format(
                        sql.Identifier(address.database), _TABLESPACE
                    )
                )
            except psycopg.errors.DiskFull as error:
                raise CannotRun(
                    f"the database is larger than the volume that is to be filled, of "
                    f"{SIZE_BYTES // 1024**2} MiB: give the suite a smaller dataset"
                ) from error

    def fill(self) -> int:
        """Take whatever space is left; return how many bytes are taken altogether."""
        descriptor = os.open(self._filler, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            step_bytes = _LARGEST_STEP_BYTES
            while step_bytes >= _SMALLEST_STEP_BYTES:
                try:
                    os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, step_bytes)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step_bytes //= 2
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """Give back what was taken."""
        self._filler.unlink(missing_ok=True)


def _mount(folder: Path, options: str) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(b"outboxbench", os.fsencode(folder), b"tmpfs", 0, options.encode()) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise CannotRun(f"no small volume can be mounted here ({reason}): {HOW_TO_BE_ALLOWED}")
