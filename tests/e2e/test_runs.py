"""Whole runs through the executable: what they print, what they leave, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from tests.slow import one_is_quick

from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import World

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.server import Server

SCHEMA_FILE = Path(__file__).parents[2] / "results" / "run.schema.json"
SYSTEM_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def test_a_run_prints_its_table_and_leaves_its_folder(world: World) -> None:
    done = world.run()

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (folder,) = world.runs
    assert "pgbench" in done.stdout
    assert "asyncpg" in done.stdout
    assert str(folder) in done.stdout
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {
        "run.json",
        "server.log",
        "report.html",
        *(f"charts/{name}.{kind}" for name in ("cost", "ecdf") for kind in ("png", "svg")),
        "charts/throughput.png",
        "charts/throughput.svg",
        "charts/percentile-spectrum.png",
        "charts/percentile-spectrum.svg",
        "histograms/asyncpg-asyncio-charge-matched-2-clients-round-0.hlog",
        "histograms/pgbench-charge-matched-2-clients-round-0.hlog",
    }


def test_the_document_on_standard_output_follows_the_schema(world: World) -> None:
    done = world.run("--json", "--seed", "7")

    assert done.returncode == 0, done.stderr
    (folder,) = world.runs
    assert done.stdout == (folder / "run.json").read_text(encoding="utf-8")
    document = json.loads(done.stdout)
    assert document["seed"] == 7
    assert document["complete"] is True
    assert {arm["verdict"] for arm in document["arms"]} == {"pass"}
    validation = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--schemafile", SCHEMA_FILE, folder / "run.json"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert validation.returncode == 0, validation.stdout


@pytest.mark.slow
def test_the_recorded_command_repeats_the_run(world: World) -> None:
    first = json.loads(world.run("--json", "--only", "asyncpg").stdout)
    _, *arguments = first["command"].split()

    again = json.loads(world.call(*arguments, "--json", "--out", world.out).stdout)

    assert len(world.runs) == 2
    assert [arm["name"] for arm in again["arms"]] == [arm["name"] for arm in first["arms"]]
    for key in ("suite", "seed", "rounds", "window_s", "command"):
        assert again[key] == first[key]


def test_a_run_on_the_users_server_drops_its_databases_and_shows_no_password(
    world: World, postgres_server: Server, dsn_of: Callable[[DatabaseAddress], str]
) -> None:
    done = world.run("--dsn", dsn_of(postgres_server.address))

    assert done.returncode == 0, done.stderr
    (folder,) = world.runs
    password = postgres_server.address.password
    assert password not in done.stdout + done.stderr
    for path in folder.rglob("*"):
        assert not path.is_file() or password.encode() not in path.read_bytes(), path
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert document["server"]["origin"] == "dsn"
    assert document["command"].endswith("--dsn DSN")
    with connect(postgres_server.address) as connection:
        comments = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
            " WHERE starts_with(datname, 'outboxbench_')"
        ).fetchall()
    # Those of these tests themselves may be there.
    assert all("tests" in str(comment) for (comment,) in comments)


@pytest.mark.parametrize("folder", SYSTEM_FOLDERS, ids=str)
def test_a_run_on_another_postgresql_of_this_machine(folder: Path, world: World) -> None:
    done = world.run("--pg-bin", folder, "--json")

    assert done.returncode == 0, done.stderr
    server = json.loads(done.stdout)["server"]
    assert server["origin"] == "pg-bin"
    assert server["version"].startswith(folder.parent.name)


@pytest.mark.slow
def test_two_runs_at_the_same_time_do_not_disturb_each_other(world: World) -> None:
    suite = world.suite()
    arguments = ("run", suite, "--out", world.out, "--rounds", "2", "--json")
    with world.start(*arguments) as first, world.start(*arguments) as second:
        outputs = [process.communicate(timeout=60) for process in (first, second)]

    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert len(world.runs) == 2
    for output, _ in outputs:
        document = json.loads(output)
        assert document["complete"] is True
        assert document["verdict"] == "pass"


@pytest.mark.slow
def test_a_later_run_leaves_an_earlier_one_alone(world: World) -> None:
    world.run()
    (earlier,) = world.runs
    before = {path: path.read_bytes() for path in earlier.rglob("*") if path.is_file()}

    world.run()

    assert len(world.runs) == 2
    assert {path: path.read_bytes() for path in earlier.rglob("*") if path.is_file()} == before


BROKEN = {
    "fail": (
        """
        class Broken(AsyncpgUnitOfWork):
            count = 0

            async def _commit(self) -> None:
                # Says it has committed, and every third time it has not.
                Broken.count += 1
                if Broken.count % 3:
                    await super()._commit()
                else:
                    await self._transaction.rollback()
        """,
        "every ok operation is stored, and no other",
    ),
    "unknown": (
        """
        class Broken(AsyncpgUnitOfWork):
            async def _begin(self) -> None:
                raise ConnectionError("never")
        """,
        "operations succeeded",
    ),
}


@pytest.mark.parametrize("verdict", one_is_quick(BROKEN))
def test_a_strategy_that_loses_operations_is_found_out(verdict: str, world: World) -> None:
    broken, check = BROKEN[verdict]
    install_strategy(world, broken)

    done = world.call("run", world.suite('"asyncpg"', '"broken"'), "--out", world.out)

    assert done.returncode == 1, done.stderr
    assert check in done.stdout
    assert f"round 1: {verdict}: {check}: " in done.stderr
    (folder,) = world.runs
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert document["complete"] is True
    verdicts = {arm["strategy"]: arm["verdict"] for arm in document["arms"]}
    assert document["verdict"] == verdict
    assert verdicts == {"broken": verdict, "pgbench": "pass"}


def install_strategy(world: World, unit_of_work: str) -> None:
    """Register a third party's strategy as an installed package would."""
    packages = world.folder / "packages"
    information = packages / "broken-0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 0\n")
    (information / "entry_points.txt").write_text(
        "[outboxbench.strategies]\nbroken = broken_strategy:BROKEN\n"
    )
    module = dedent("""
        from outboxbench.core.strategies.asyncpg.persistence import open_persistence
        from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
        from outboxbench.core.strategies.registry import Strategy


        async def open_broken(settings):
            return await open_persistence(Broken, settings)


        BROKEN = Strategy("broken", "broken", "asyncpg", "statements", open_broken)
    """)
    (packages / "broken_strategy.py").write_text(module + dedent(unit_of_work))
    world.environment["PYTHONPATH"] = str(packages)
