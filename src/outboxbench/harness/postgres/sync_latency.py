"""What it takes to sync a write of the log to disk, by PostgreSQL's own pg_test_fsync."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.account import spawn
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO

    from outboxbench.harness.postgres.binaries import Binaries
    from outboxbench.harness.postgres.server import Server

PROGRAM = "pg_test_fsync"
SECONDS_PER_METHOD = 1

# A method is tried for a second, and the wanted one is among the first; only a disk that hangs
# takes longer than this.
PATIENCE_S = 15.0
END_PATIENCE_S = 5.0


def server_fsync_us(server: Server) -> float | None:
    """Measure what one sync takes where a server's data lies, as the server does it; in µs.

    It takes some two seconds. None for a server that is not ours, or that never syncs.
    """
    if server.cluster is None:
        return None
    with connect(server.address) as connection:
        query = "SELECT current_setting('fsync'), current_setting('wal_sync_method')"
        ((fsync, method),) = connection.execute(query).fetchall()
    if fsync == "off":
        return None
    return fsync_us(server.binaries, server.cluster.data_directory.parent, method)


def fsync_us(binaries: Binaries, folder: Path, method: str) -> float | None:
    """Measure what one write of 8 kB and its sync take in a folder, in µs.

    `method` is one of wal_sync_method. None where the installation has no pg_test_fsync, and where
    the method cannot be used in the folder.
    """
    with contextlib.ExitStack() as stack:
        try:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="sync-", dir=folder))
            output = stack.enter_context(_output(binaries, Path(scratch)))
        except (CannotRun, OSError):
            return None
        return parse_fsync_us(output, method)


def parse_fsync_us(lines: Iterable[str], method: str) -> float | None:
    """Read what a method takes out of the first section, as soon as its line is there.

    None if the section ends without it.
    """
    # The program rounds to whole µs and prints how many went into a second beside it.
    wanted = re.compile(rf"\s+{re.escape(method)}\s+(\S+) ops/sec")
    in_section = False
    for line in lines:
        if line.startswith("Compare file sync methods"):
            in_section = True
        elif in_section and not line.strip():
            return None
        elif in_section and (found := wanted.match(line)):
            per_s = float(found[1])
            return 1e6 / per_s if per_s else None
    return None


@contextlib.contextmanager
def _output(binaries: Binaries, scratch: Path) -> Iterator[IO[str]]:
    """Run the program and yield its output; it is ended on leaving, or when patience is.

    A harness that is killed leaves it to the janitor, who ends all that work inside its folders.
    """
    # It flushes what it has found out before it tries the next method, so that a pipe will do.
    # Root need not hand it to the server's account: the disk takes the same time for everyone.
    command: list[str | Path] = [
        binaries.path(PROGRAM),
        f"--secs-per-test={SECONDS_PER_METHOD}",
        f"--filename={scratch / 'file'}",
    ]
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, encoding="ascii", errors="replace") as lines:
        with os.fdopen(write_end, "wb") as output:
            program = spawn(None, command, scratch, output)
        alarm = Timer(PATIENCE_S, program.kill)
        try:
            alarm.start()
            yield lines
        finally:
            alarm.cancel()
            _end(program)


def _end(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    try:
        program.wait(END_PATIENCE_S)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
