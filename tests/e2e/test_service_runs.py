"""A service under Locust, from a suite to the report, and under Locust's own command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.http.locust_process import read_results
from outboxbench.harness.postgres.postmaster import free_port
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.results.run_file import read_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import World

    from outboxbench.core.strategies.settings import DatabaseAddress

LOCUSTFILE = Path(__file__).parents[2] / "bench" / "locustfile.py"
PATIENCE_S = 120.0

SUITE = """
name = "tiny"
description = "As little of a service as can be measured."
rounds = 2
window_s = 1.0
warm_up_s = 0.05

[dataset]
accounts = 50
orders = 50

[[arms]]
strategies = ["asyncpg"]
loops = ["uvloop"]
clients = [4]

[[services]]
strategies = ["asyncpg"]
clients = [4]
instances = [2]
warm_up_s = 0.3
"""

RELAYED = """
name = "relayed"
description = "A service and a relay beside it."
rounds = 1
window_s = 1.0

[dataset]
accounts = 50
orders = 50

[[services]]
strategies = ["psycopg"]
workloads = ["place"]
clients = [4]
relays = [1]
warm_up_s = 0.3
"""


def test_a_service_is_loaded_judged_drawn_and_gone(world: World) -> None:
    path = world.folder / "tiny.toml"
    path.write_text(SUITE, encoding="utf-8")

    done = world.call("run", path, "--out", world.out)

    assert done.returncode == 0, done.stderr
    assert "over HTTP" in done.stdout
    run = read_run(world.runs[0])
    service = next(arm for arm in run.arms if arm.settings.get("over") == "http")
    assert [block.verdict for block in service.blocks] == ["pass", "pass"]
    for block in service.blocks:
        assert block.outcomes.ok == block.outcomes.attempted > 20
        assert block.http is not None
        assert 0 < block.http.transaction_us < block.http.total_us
        assert block.latency_us.p50 == pytest.approx(block.http.total_us, rel=0.5)
        assert block.counters.client_cpu_us_per_op
    assert (world.runs[0] / "charts" / "http.svg").exists()
    report = (world.runs[0] / "report.html").read_text()
    assert "What does HTTP add?" in report
    assert "What a request is made of" in report


@pytest.mark.slow
def test_what_a_relay_beside_a_service_makes_of_its_orders_is_judged(world: World) -> None:
    path = world.folder / "relayed.toml"
    path.write_text(RELAYED, encoding="utf-8")

    done = world.call("run", path, "--out", world.out)

    assert done.returncode == 0, done.stderr
    (arm,) = read_run(world.runs[0]).arms
    (block,) = arm.blocks
    told = {check.name: check for check in block.checks}
    assert block.verdict == "pass", told
    assert block.outcomes.ok > 0
    assert told["every committed message is delivered"].detail.startswith("0 of ")
    assert "every order is charged for once and closed by the answer" in told


class Loaded:
    """A service on a filled database, and Locust before it."""

    def __init__(self, world: World, database: DatabaseAddress, dsn: str, *options: str) -> None:
        prepare_template(database, DatasetSize(accounts=40, orders=40))
        world.environment["OUTBOXBENCH_DSN"] = dsn
        self._world = world
        self._database = database
        self.service = world.start("serve", "--port", "0", *options)
        assert self.service.stderr is not None
        said = ""
        while (found := re.search(r"serves at (http://\S+);", said)) is None:
            line = self.service.stderr.readline()
            assert line, f"the service has ended: {said}"
            said += line
        self.url = found[1]

    def load(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run Locust without its page, and let it end by itself."""
        results = str(self._world.folder / "results.json")
        words = [
            *("-f", str(LOCUSTFILE), "--headless", "--only-summary", "--host", self.url),
            *("--accounts", "40", "--orders", "40", "--results", results, "--warm-up", "0.2"),
        ]
        if "--processes" in options:
            port = str(free_port())
            words += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
            words += ["--master-port", port]
        return subprocess.run(
            [sys.executable, "-m", "locust", *words, *options],
            cwd=self._world.folder,
            env=self._world.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def operations(self) -> int:
        with connect(self._database) as connection:
            row = connection.execute(
                "SELECT count(DISTINCT op_id) FROM outbox WHERE delivered_at IS NULL"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def end(self) -> None:
        self.service.terminate()
        self.service.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("mix", "options"),
    [
        ("charge", ()),
        pytest.param("mixed", ("--rate", "100", "--shape", "spike"), marks=pytest.mark.slow),
    ],
)
def test_what_all_workers_have_counted_is_what_the_database_holds(
    mix: str,
    options: tuple[str, ...],
    world: World,
    database: DatabaseAddress,
    dsn_of: Callable[[DatabaseAddress], str],
) -> None:
    loaded = Loaded(world, database, dsn_of(database))
    try:
        done = loaded.load(
            *("--users", "6", "--processes", "2", "--window", "1.5", "--mix", mix), *options
        )
    finally:
        loaded.end()

    assert done.returncode == 0, done.stderr
    told = json.loads((world.folder / "results.json").read_text())
    assert sorted(each["worker"] for each in told) == [0, 1]
    result = read_results(world.folder / "results.json")
    counted = [
        sum(counts.get("ok", 0) for counts in worker.outcomes.values()) for worker in result.workers
    ]
    assert all(counted)
    assert sum(counted) == loaded.operations()
    assert all(
        set(counts) == {"ok"} for worker in result.workers for counts in worker.outcomes.values()
    )


@pytest.mark.slow
def test_a_load_in_one_process_is_counted_as_well(
    world: World, database: DatabaseAddress, dsn_of: Callable[[DatabaseAddress], str]
) -> None:
    loaded = Loaded(world, database, dsn_of(database), "--strategy", "psycopg")
    try:
        done = loaded.load("--users", "3", "--window", "0.8")
    finally:
        loaded.end()

    assert done.returncode == 0, done.stderr
    (worker,) = read_results(world.folder / "results.json").workers
    assert worker.outcomes["charge"]["ok"] == loaded.operations() > 0
    # Its own statistics are there as well.
    assert "/accounts/{account_id}/charges" in done.stdout + done.stderr


@pytest.mark.slow
def test_what_is_not_answered_because_the_service_is_killed_is_in_doubt_or_has_failed(
    world: World, database: DatabaseAddress, dsn_of: Callable[[DatabaseAddress], str]
) -> None:
    loaded = Loaded(world, database, dsn_of(database))
    try:
        words = ("--users", "8", "--window", "3", "--mix", "charge")
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"),
                *("--host", loaded.url, "--accounts", "40", "--orders", "40"),
                *("--results", str(world.folder / "results.json"), *words),
            ],
            cwd=world.folder,
            env=world.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as locust:
            assert locust.stdout is not None
            while not locust.stdout.readline().startswith('{"window"'):
                assert locust.poll() is None
            while loaded.operations() < 50:
                assert locust.poll() is None
            loaded.service.kill()
            locust.communicate(timeout=PATIENCE_S)
    finally:
        loaded.end()

    (worker,) = read_results(world.folder / "results.json").workers
    counts = worker.outcomes["charge"]
    assert counts["failed"] > 0
    stored = loaded.operations()
    assert counts["ok"] <= stored <= counts["ok"] + counts.get("indeterminate", 0)
