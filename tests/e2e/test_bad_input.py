"""What cannot be run is told in one sentence, with its exit code, and without a trace."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import secrets
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from psycopg import sql
from tests.slow import one_is_quick

from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import World

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.server import Server

IS_ROOT = os.geteuid() == 0
DISK_IS_FULL = "(No space left on device|File too large)"


@pytest.fixture(autouse=True)
def earlier(world: World) -> Iterator[None]:
    """An earlier run, which stays as it is; and nothing comes beside it."""
    kept = world.out / "20260101T000000Z-tiny" / "run.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("earlier")
    yield
    assert world.runs == [kept.parent]
    assert kept.read_text() == "earlier"


def sentence(done: subprocess.CompletedProcess[str], code: int) -> str:
    """Return the one sentence on standard error."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("outboxbench: ")
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "unexpected" not in done.stderr
    return done.stderr.removeprefix("outboxbench: ").rstrip()


@pytest.mark.parametrize(
    ("old", "new", "pattern"),
    one_is_quick(
        [
            (
                "rounds = 1",
                "round = 1",
                "tiny.toml .* the key round is unknown: allowed are name, ",
            ),
            ('"asyncpg"', '"asyncpq"', r"arms\[0\].*'asyncpq': allowed are asyncpg, "),
            (
                "clients =",
                'workloads = ["x"]\nclients =',
                "'x': allowed are amend, charge, hot, mixed, ",
            ),
            ('"asyncio"', '"trio"', "loops.*'trio': it must be 'asyncio' or 'uvloop'"),
            (
                "clients =",
                'profiles = ["x"]\nclients =',
                "'x': it must be 'idiomatic' or 'matched'",
            ),
            ("window_s = 0.2", "window_s = -1", "window_s cannot be -1: it must be greater than 0"),
            ("rounds = 1", "rounds = 0", "rounds cannot be 0: it must be 1 or more"),
            (
                "clients =",
                'rates = ["60 % of slowest"]\nclients =',
                (
                    r"arms\[0\]\.rates\[0\] cannot be '60 % of slowest': "
                    "allowed are operations per second"
                ),
            ),
            (
                "clients =",
                "network_rtt_ms = [-1]\nclients =",
                r"network_rtt_ms\[0\] cannot be -1: it must be 0 or more$",
            ),
            ("rounds = 1", 'pin = "yes"', "pin cannot be 'yes': it must be 'none' or 'auto'$"),
            ("rounds = 1", "rounds = ", r"not valid TOML: .*line 4"),
        ]
    ),
)
def test_a_mistake_in_a_suite(old: str, new: str, pattern: str, world: World) -> None:
    done = world.call("run", world.suite(old, new), "--out", world.out)

    assert re.search(pattern, sentence(done, 2))


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        (["--rounds", "0"], "^--rounds cannot be 0: it must be 1 or more$"),
        (["--rounds", "many"], "--rounds.* integer"),
        (["--duration", "-1"], "^--duration cannot be -1.0: it must be greater than 0$"),
        (["--duration", "nan"], "^--duration cannot be nan: it must be a number that is finite$"),
        (["--reference", "asyncpq"], "^--reference cannot be 'asyncpq': allowed are asyncpg, "),
        (["--noise", "/etc"], r"^cannot read /etc \(Is a directory\)$"),
        (["--only", "asyncpq"], "^there is no strategy 'asyncpq'; registered are asyncpg, "),
        (["--only", ","], "--only names nothing"),
        (["--frobnicate"], "no such option: --frobnicate"),
        (["--pg-bin", "/etc"], "/etc has no executable postgres, initdb, pgbench: give the bin "),
        (["--pg-bin", "/nowhere"], "/nowhere is no folder: give the folder "),
        (["--dsn", "x=1"], "the DSN cannot be read: write postgresql://"),
        (["--dsn", "postgresql://me@127.0.0.1:1/x"], "127.0.0.1:1 .*check the DSN"),
        (["--dsn", "host=a user=b", "--pg-bin", "/etc"], "exclude each other: give one"),
    ],
)
def test_a_mistake_on_the_command_line(options: list[str], pattern: str, world: World) -> None:
    assert re.search(pattern, sentence(world.run(*options), 2))


def test_a_suite_that_is_not_there(world: World) -> None:
    assert "no suite 'nosuch': name one of " in sentence(world.call("run", "nosuch"), 2)
    assert "nosuch.toml cannot be read: " in sentence(world.call("run", "nosuch.toml"), 2)


def test_no_command_and_an_unknown_one(world: World) -> None:
    assert sentence(world.call(), 2) == "missing command: see `outboxbench --help`"
    assert "no such command 'frob'" in sentence(world.call("frob"), 2)


def test_a_wrong_password_is_not_shown(
    world: World, postgres_server: Server, dsn_of: Callable[[DatabaseAddress], str]
) -> None:
    address = replace(postgres_server.address, password="wrong-and-secret")

    message = sentence(world.run("--dsn", dsn_of(address)), 2)

    assert "password authentication failed" in message
    assert "wrong-and-secret" not in message


@pytest.fixture
def guest(postgres_server: Server) -> Iterator[DatabaseAddress]:
    """A role that may log in and nothing else."""
    name, password = f"guest_{secrets.token_hex(4)}", secrets.token_hex(16)
    create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), password)
    with connect(postgres_server.address) as connection:
        connection.execute(create)
        yield replace(postgres_server.address, user=name, password=password)
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_role_that_may_not_create_databases(
    world: World, guest: DatabaseAddress, dsn_of: Callable[[DatabaseAddress], str]
) -> None:
    message = sentence(world.run("--dsn", dsn_of(guest)), 2)

    assert message.startswith(f"role {guest.user} may not create databases: grant it ")


def test_a_results_folder_that_cannot_be_made(world: World) -> None:
    below_a_file = world.suite() / "out"

    done = world.call("run", world.suite(), "--out", below_a_file)

    assert re.search(r"cannot make a run folder in .*--out$", sentence(done, 3))


def test_a_temporary_folder_that_is_not_there(world: World) -> None:
    world.environment["OUTBOXBENCH_TMPDIR"] = "/nowhere"

    assert "/nowhere is no folder that can be written" in sentence(world.run(), 2)


@contextmanager
def small_disk(path: Path, kilobytes: int) -> Iterator[Callable[[], None] | None]:
    """Let little be written below a path; yield what the process has to do for that itself.

    Root can mount a small disk. Everyone else has to do with a limit on the size of a file.
    """
    path.mkdir(mode=0o755)
    if not IS_ROOT:
        size_bytes = kilobytes * 1024
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))
        return
    options = f"size={kilobytes}k,mode=755"
    subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True)
    try:
        yield None
    finally:
        subprocess.run(["/usr/bin/umount", "--lazy", path], check=True)


def test_a_full_disk_under_the_results(world: World) -> None:
    small = world.folder / "small"
    with small_disk(small, 500) as prepare:
        done = world.call("run", world.suite(), "--out", small, prepare=prepare)

        assert re.search(f"cannot write to .*{DISK_IS_FULL}.*--out$", sentence(done, 3))
        assert list(small.iterdir()) == []


def test_a_full_disk_under_the_server(world: World) -> None:
    small = world.temporary / "small"
    with small_disk(small, 5000) as prepare:
        world.environment["OUTBOXBENCH_TMPDIR"] = str(small)
        done = world.run(prepare=prepare)

        assert re.search("data directory cannot be made.*", sentence(done, 3))
        assert list(small.iterdir()) == []
    small.rmdir()


@pytest.mark.skipif(not IS_ROOT, reason="only root can mount a disk to be filled")
def test_a_disk_that_is_full_before_the_run_is_over(world: World) -> None:
    small = world.folder / "small"
    with small_disk(small, 3000) as prepare:
        filling = threading.Thread(target=fill_once_a_run_began, args=[small, world.temporary])
        filling.start()
        done = world.call("run", world.suite(), "--out", small, prepare=prepare)
        filling.join()

        assert re.search(r"cannot write .*No space left on device", sentence(done, 3))


def fill_once_a_run_began(disk: Path, temporary: Path) -> None:
    """Take all space when the run, having found that there is enough, starts its server."""
    deadline_s = time.monotonic() + 60
    while not any(temporary.glob("outboxbench-*")) and time.monotonic() < deadline_s:
        time.sleep(0.005)
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(1024)):
            pass
