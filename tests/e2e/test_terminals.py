"""What the executable prints on a terminal, and where there is none."""

from __future__ import annotations

import os
import re
import select
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import EXECUTABLE, PATIENCE_S

if TYPE_CHECKING:
    from tests.e2e.conftest import World

COLOUR = "\x1b[32m"


def on_a_terminal(world: World, **variables: str) -> str:
    """Run the tiny suite with a terminal as its standard output; returns what it shows."""
    leader, follower = os.openpty()
    try:
        with subprocess.Popen(
            [EXECUTABLE, "run", world.suite(), "--out", world.out],
            cwd=world.folder,
            env={**world.environment, "TERM": "xterm", "LANG": "C.UTF-8", **variables},
            stdin=subprocess.DEVNULL,
            stdout=follower,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            os.close(follower)
            follower = -1
            shown = b""
            # A terminal that nobody writes to any more is an error to who reads it.
            while chunk := read(leader):
                shown += chunk
            _, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        os.close(leader)
        if follower >= 0:
            os.close(follower)
    assert process.returncode == 0, errors
    return shown.decode().replace("\r\n", "\n")


def read(terminal: int) -> bytes:
    """Return what was written next; nothing at its end, or when nobody writes for too long."""
    ready, _, _ = select.select([terminal], [], [], PATIENCE_S)
    if not ready:
        return b""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


def test_a_terminal_is_coloured_and_its_width_kept(world: World) -> None:
    shown = on_a_terminal(world, COLUMNS="60")

    assert COLOUR in shown
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown).split("Results:")[0].splitlines()
    assert max(map(len, lines)) <= 60
    assert any(line.startswith("asyncpg") and line.endswith("pass") for line in lines)


@pytest.mark.slow
def test_a_terminal_without_colour_gets_none(world: World) -> None:
    shown = on_a_terminal(world, NO_COLOR="1")

    assert "pass" in shown
    assert not re.search(r"\x1b\[[\d;]*3\d", shown)


@pytest.mark.slow
def test_a_file_in_ascii_is_written_without_an_error(world: World) -> None:
    world.environment |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}

    done = world.run()

    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert "CPU us" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.slow
def test_json_is_utf_8_whatever_the_terminal_has(world: World) -> None:
    world.environment |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    suite = world.suite("clients = [2]", "clients = [2]\nbusy_wait_us = [50]")

    done = subprocess.run(
        [EXECUTABLE, "run", suite, "--out", world.out, "--json"],
        cwd=world.folder,
        env=world.environment,
        capture_output=True,
        check=True,
        timeout=PATIENCE_S,
    )

    (folder,) = world.runs
    assert "µs slower".encode() in done.stdout
    assert done.stdout == (folder / "run.json").read_bytes()
