"""`outboxbench cost` through the executable: what it prints and leaves, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import World

SCHEMA_FILE = Path(__file__).parents[2] / "results" / "cost.schema.json"
ONE = ("--workload", "charge", "--profile", "matched")


def price(world: World, *options: str | Path) -> subprocess.CompletedProcess[str]:
    return world.call("cost", "--out", world.out, *ONE, *options)


def test_a_price_list_is_printed_and_leaves_its_folder(world: World) -> None:
    done = price(world, "--only", "asyncpg,psycopg-single", "--operations", "5")

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (folder,) = world.runs
    assert {path.name for path in folder.iterdir()} == {"cost.json", "cost.png", "cost.svg"}
    assert "charge, matched profile: counts" in done.stdout
    assert "charge, matched profile: time in µs" in done.stdout
    assert done.stdout.count("\nasyncpg ") == 2
    assert f"Results: {folder}\n" in done.stdout
    assert max(map(len, done.stdout.replace(str(folder), "").splitlines())) <= 80


@pytest.mark.slow
def test_the_document_on_standard_output_follows_the_schema(world: World) -> None:
    done = price(world, "--only", "asyncpg", "--operations", "5", "--json")

    assert done.returncode == 0, done.stderr
    (folder,) = world.runs
    assert done.stdout == (folder / "cost.json").read_text(encoding="utf-8")
    document = json.loads(done.stdout)
    (command,) = document["commands"]
    assert command["verdict"] == "pass"
    assert command["counts"]["round_trips"] == 5
    assert command["time"]["wall_us"] > 0
    validation = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--schemafile", SCHEMA_FILE, folder / "cost.json"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert validation.returncode == 0, validation.stdout
    _, *arguments = document["command"].split()
    again = world.call(*arguments, "--out", world.out, "--counts-only", "--json")
    (repeated,) = json.loads(again.stdout)["commands"]
    assert repeated["time"] is None
    assert repeated["counts"] == command["counts"]


@pytest.mark.slow
def test_a_superfluous_statement_is_found_out(world: World) -> None:
    install_a_chatty_strategy(world)
    baseline = world.folder / "baseline.json"
    saved = price(world, "--only", "asyncpg", "--counts-only", "--save-baseline", baseline)
    assert saved.returncode == 0, saved.stderr
    same = price(world, "--only", "asyncpg", "--counts-only", "--baseline", baseline)
    assert same.returncode == 0, same.stderr
    assert f"Baseline {baseline}: no differences\n" in same.stdout

    baseline.write_text(baseline.read_text().replace('"asyncpg"', '"chatty"'))
    done = price(world, "--only", "chatty", "--counts-only", "--baseline", baseline)

    assert done.returncode == 1, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "chatty charge (matched): round_trips 5 → 6" in lines
    assert "chatty charge (matched): statements 5 → 6" in lines
    beside = price(world, "--only", "chatty", "--counts-only", "--baseline", baseline, "--json")
    assert beside.returncode == 1
    assert "chatty charge (matched): round_trips 5 → 6" in beside.stderr
    json.loads(beside.stdout)


def test_an_operation_that_is_not_ok_is_told(world: World) -> None:
    install_strategy(world, "raise RuntimeError('out of order')")

    done = price(world, "--only", "chatty", "--counts-only")

    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr == (
        "outboxbench: the cost of chatty cannot be taken: "
        "RuntimeError: charge ended indeterminate (other) with no other client on the server: "
        "run the conformance suite over the strategy\n"
    )
    assert world.runs == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only", "asyncpq"), "there is no strategy 'asyncpq'; registered are asyncpg, "),
        (("--only", "memory"), "the strategy memory needs no server"),
        (("--only", ","), "--only names nothing: name some, separated by commas"),
        (("--workload", "buy"), "there is no workload buy: --workload takes some of amend, "),
        (("--profile", "fast"), "there is no profile fast: --profile takes some of idiomatic, "),
        (("--operations", "0"), "--operations cannot be 0: it must be 1 or more"),
        (("--baseline", "none.json"), "cannot read the baseline none.json (No such file"),
        (("--pg-bin", "/etc"), "/etc has no executable postgres"),
    ],
)
def test_a_mistake_is_one_sentence(options: tuple[str, str], said: str, world: World) -> None:
    done = world.call("cost", "--out", world.out, *options)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"outboxbench: {said}")
    assert done.stderr.count("\n") == 1
    assert world.runs == []


def test_an_interruption_leaves_nothing(
    world: World, wait_for: Callable[[Callable[[], bool]], bool]
) -> None:
    with world.start("cost", "--out", world.out, "--operations", "100000") as run:
        assert wait_for(lambda: any("python" in each for each in world.left()[1:]))
        os.killpg(run.pid, signal.SIGINT)
        _, errors = run.communicate(timeout=60)

    assert run.returncode == 130
    assert errors == "outboxbench: interrupted\n"
    assert not world.left()
    assert world.runs == []


def install_a_chatty_strategy(world: World) -> None:
    install_strategy(world, "await self._connection.fetchval('SELECT 1')")


def install_strategy(world: World, before_commit: str) -> None:
    """Register a third party's strategy that does something more before each commit."""
    packages = world.folder / "packages"
    information = packages / "chatty-0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: chatty\nVersion: 0\n")
    (information / "entry_points.txt").write_text(
        "[outboxbench.strategies]\nchatty = chatty_strategy:CHATTY\n"
    )
    module = dedent(f"""
        from outboxbench.core.strategies.asyncpg.persistence import open_persistence
        from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
        from outboxbench.core.strategies.registry import Strategy


        class Chatty(AsyncpgUnitOfWork):
            async def _commit(self) -> None:
                {before_commit}
                await super()._commit()


        async def open_chatty(settings):
            return await open_persistence(Chatty, settings)


        CHATTY = Strategy("chatty", "chatty", "asyncpg", "statements", open_chatty)
    """)
    (packages / "chatty_strategy.py").write_text(module)
    world.environment["PYTHONPATH"] = str(packages)
