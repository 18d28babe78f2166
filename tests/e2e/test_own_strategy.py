"""The example of a strategy of one's own does what its page says, outside the package's sources."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.domain.payments import Deposit
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.load.dataset import account_id
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.harness.wire.proxy_process import WireProxy
from outboxbench.testing import PostgresContract

if TYPE_CHECKING:
    from tests.e2e.conftest import World

    from outboxbench.core.strategies.settings import DatabaseAddress, Profile
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

CHECKOUT = Path(__file__).parents[2]
EXAMPLE = CHECKOUT / "bench" / "examples" / "tortoise-strategy"
PAGE = EXAMPLE / "README.md"
OPERATIONS = 10
RULES = sum(name.startswith("test_") for name in dir(PostgresContract))
"""Of the contract, each for a profile or both."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put the example, beside the packages that these tests use."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-index", "--no-deps", "--no-build-isolation", "--target", folder, EXAMPLE),
        ],
        check=True,
    )
    return folder


@pytest.mark.slow
def test_it_passes_the_whole_contract(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", EXAMPLE],
        check=False,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout
    assert_every_rule_passed(done.stdout)


def test_it_is_measured_in_a_suite_that_does_not_name_it(installed: Path, world: World) -> None:
    world.environment["PYTHONPATH"] = str(installed)

    done = world.run("--only", "asyncpg,tortoise")

    assert done.returncode == 0, done.stderr
    assert_table(done.stdout)


@pytest.mark.parametrize(("profile", "round_trips"), [("idiomatic", 6), ("matched", 5)])
async def test_a_change_of_an_account_takes_the_round_trips_that_the_page_names(
    profile: Profile,
    round_trips: int,
    installed: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgres_server: Server,
    janitor: Janitor,
    database: DatabaseAddress,
) -> None:
    monkeypatch.syspath_prepend(installed)
    prepare_template(database, DatasetSize(accounts=1, orders=1))
    command = Deposit(account_id=account_id(1), amount_cents=1)
    with WireProxy(postgres_server.address, janitor) as proxy:
        address = proxy.address(database.database)
        settings = StrategySettings(address, profile=profile, pool_size=1)
        persistence = await load_strategy("tortoise").open(settings)
        bus = bootstrap(persistence)
        # Has every statement prepared.
        await bus.handle(command, Attempt(uuid4()))
        before = proxy.counts()
        for _ in range(OPERATIONS):
            await bus.handle(command, Attempt(uuid4()))
        cost = (proxy.counts() - before).per_operation(OPERATIONS)
        await persistence.close()

    assert cost.round_trips == round_trips


@pytest.mark.slow
def test_the_commands_of_its_page_lead_from_nothing_to_the_table(
    tmp_path: Path, world: World
) -> None:
    commands = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    script = "".join(commands).replace("/tmp/mine", str(tmp_path / "mine"))  # noqa: S108
    script = script.replace("python3", sys.executable, 1).rstrip()
    short = f"{script} --rounds 1 --duration 0.3 --out {world.out}"

    done = subprocess.run(
        ["/bin/sh", "-e", "-c", short],
        check=False,
        cwd=CHECKOUT,
        env=os.environ | world.environment | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert_every_rule_passed(done.stdout)
    assert_table(done.stdout)
    (folder,) = world.runs
    assert (folder / "charts" / "throughput.png").exists()


def assert_every_rule_passed(text: str) -> None:
    """Whatever was collected has passed, and that is no less than the contract has."""
    collected = re.search(r"^collected (\d+) items$", text, re.MULTILINE)
    assert collected, text
    assert re.search(rf"^=* ?{collected[1]} passed in", text, re.MULTILINE), text
    assert int(collected[1]) > RULES


def assert_table(output: str) -> None:
    """Check that the strategies stand in one table, each with a rate that may be believed."""
    for strategy in ("pgbench", "asyncpg", "tortoise"):
        assert re.search(rf"^{strategy} .* \d.* pass *$", output, re.MULTILINE), output
