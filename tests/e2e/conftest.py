"""The real executable, in a world of its own: what it leaves behind there is seen."""

from __future__ import annotations

import subprocess
import sysconfig
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from psycopg.conninfo import make_conninfo
from tests.e2e.relays import Relays, Shop
from tests.e2e.workflows import Runner

from outboxbench.harness.postgres.place import FOLDER_VARIABLE, data_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress

EXECUTABLE = Path(sysconfig.get_path("scripts")) / "outboxbench"
PATIENCE_S = 180.0
TINY = """
name = "tiny"
description = "As little as can be measured."
rounds = 1
window_s = 0.2
warm_up_s = 0.05

[dataset]
accounts = 50
orders = 50

[[arms]]
strategies = ["asyncpg"]
loops = ["asyncio"]
clients = [2]
"""


@dataclass
class World:
    """Where a run keeps its temporary files, where it puts its results, and what is going on."""

    folder: Path
    temporary: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def runs(self) -> list[Path]:
        return sorted(self.out.iterdir()) if self.out.exists() else []

    def suite(self, old: str = "", new: str = "") -> Path:
        """Write the tiny suite, with one thing changed."""
        assert old in TINY
        path = self.folder / "tiny.toml"
        path.write_text(TINY.replace(old, new) if old else TINY, encoding="utf-8")
        return path

    def start(
        self,
        *arguments: str | Path,
        prepare: Callable[[], None] | None = None,
        folder: Path | None = None,
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [EXECUTABLE, *arguments],
            cwd=folder or self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=prepare,
        )

    def call(
        self,
        *arguments: str | Path,
        prepare: Callable[[], None] | None = None,
        folder: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments, prepare=prepare, folder=folder) as process:
            output, errors = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def run(
        self, *options: str | Path, prepare: Callable[[], None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return self.call("run", self.suite(), "--out", self.out, *options, prepare=prepare)

    def left(self) -> list[str]:
        """Return the processes and the files that are still there."""
        processes = [
            # Its name as it was when it was found: it may end while it is looked at.
            f"{each.pid} {each.info['name']}"
            for each in psutil.process_iter(["name"])
            if self._ours(each)
        ]
        return processes + [str(path) for path in self.temporary.iterdir()]

    def _ours(self, process: psutil.Process) -> bool:
        # A server gets no environment of ours, but works in its folder; all others inherit it.
        try:
            return process.status() != psutil.STATUS_ZOMBIE and (
                process.environ().get(FOLDER_VARIABLE) == str(self.temporary)
                or Path(process.cwd()).is_relative_to(self.temporary)
            )
        except psutil.Error:
            return False


def eventually(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def wait_for() -> Callable[[Callable[[], bool]], bool]:
    """Wait until something is so; False if it does not become so."""
    return eventually


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world in which, after the test, nothing is left."""
    with tempfile.TemporaryDirectory(dir=data_root(None)) as name:
        temporary = Path(name)
        temporary.chmod(0o755)
        environment = {FOLDER_VARIABLE: name, "TMPDIR": name, "PATH": "/usr/bin:/bin"}
        world = World(tmp_path, temporary, environment)
        yield world
        assert eventually(lambda: not world.left()), world.left()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """What runs the scripts of workflows, with nothing real to talk to."""
    return Runner(tmp_path)


@pytest.fixture
def dsn_of() -> Callable[[DatabaseAddress], str]:
    """Write an address as a DSN."""

    def write(address: DatabaseAddress) -> str:
        return make_conninfo(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            dbname=address.database,
        )

    return write


@pytest.fixture
def relays(
    world: World, database: DatabaseAddress, dsn_of: Callable[[DatabaseAddress], str]
) -> Iterator[Relays]:
    """Relays on the database of the test, of which none outlives it."""
    relays = Relays(world, dsn_of(database))
    yield relays
    relays.end()


@pytest.fixture
def shop(database: DatabaseAddress) -> Iterator[Shop]:
    """A shop in the database of the test."""
    shop = Shop(database)
    yield shop
    shop.connection.close()
