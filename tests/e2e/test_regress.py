"""A commit against the one before it, on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from tests.checkouts import Checkout, make_checkout

from outboxbench.results.regression import read_regression

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.e2e.conftest import World

    from outboxbench.results.regression import Regression

DRIVER = "src/outboxbench/core/strategies/asyncpg/unit_of_work.py"
ARMS = """
name = "arms"
description = "No faults, so that a check is soon over."

[[arms]]
strategies = ["asyncpg"]
"""
BEGIN = "await self._transaction.start()"


@pytest.fixture
def checkout(world: World) -> Checkout:
    world.environment["OUTBOXBENCH_CACHE"] = str(world.folder / "cache")
    return make_checkout(world.folder)


def regress(world: World, checkout: Checkout, *options: str) -> subprocess.CompletedProcess[str]:
    return world.call(
        *("regress", "--base", "base", "--out", str(world.out), *options), folder=checkout.root
    )


def document(world: World) -> Regression:
    (folder,) = world.out.iterdir()
    return read_regression(folder)


def test_one_round_trip_more_is_refused_without_a_single_round(
    world: World, checkout: Checkout
) -> None:
    checkout.replace(DRIVER, BEGIN, f'await self._connection.fetchval("SELECT 1")\n        {BEGIN}')
    checkout.commit("asks whether the connection lives")
    files = {name: world.folder / name for name in ("m.md", "j.xml", "b.json", "bmf.json")}

    suite = world.folder / "arms.toml"
    suite.write_text(ARMS, encoding="utf-8")

    done = regress(
        world,
        checkout,
        *("--suite", str(suite), "--markdown", str(files["m.md"]), "--junit", str(files["j.xml"])),
        *("--json", str(files["b.json"]), "--bmf", str(files["bmf.json"])),
    )

    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("Worse: ")
    found = document(world)
    trips = [each for each in found.gate("counts").findings if each.metric == "round_trips"]
    assert [each.decision for each in trips] == ["regression"] * 3
    assert found.gate("timing").decision is None
    assert "round trips" in files["m.md"].read_text(encoding="utf-8")
    assert ElementTree.parse(files["j.xml"]).findall(".//failure")  # noqa: S314 - our own
    assert json.loads(files["b.json"].read_text(encoding="utf-8")) == []
    assert not [*(world.folder / "cache" / "trees").iterdir()]
    assert checkout.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_messages_that_are_stored_apart_from_their_state_are_refused_by_the_verdict(
    world: World, checkout: Checkout
) -> None:
    checkout.replace(DRIVER, BEGIN, "return")
    checkout.replace(DRIVER, "await self._transaction.commit()", "return")
    checkout.commit("saves two round trips")

    done = regress(world, checkout, "--only", "asyncpg")

    assert done.returncode == 1, done.stderr
    found = document(world)
    # Three transactions where there was one are counted, too.
    assert found.gate("counts").decision == "regression"
    refused = [each for each in found.gate("correctness").findings if each.decision == "regression"]
    assert {each.metric for each in refused} >= {
        "versions are contiguous and one-to-one with messages"
    }
    assert found.gate("timing").decision is None


@pytest.mark.slow
def test_a_budget_that_is_spent_before_the_first_round_decides_nothing(
    world: World, checkout: Checkout
) -> None:
    done = regress(world, checkout, "--only", "asyncpg", "--budget", "1s", "--strict")

    assert done.returncode == 1, done.stderr
    timing = document(world).gate("timing")
    assert (timing.decision, timing.findings) == ("inconclusive", ())
    assert timing.detail == "the budget was spent before the first round"


@pytest.mark.slow
def test_a_commit_against_itself_is_no_regression(world: World, checkout: Checkout) -> None:
    done = regress(world, checkout, "--only", "asyncpg", "--budget", "2m")

    found = document(world)
    assert done.returncode == 0, done.stdout + done.stderr
    assert found.gate("counts").decision == "same"
    assert found.gate("correctness").decision == "same"
    assert found.gate("timing").decision != "regression"
    assert {each.metric for each in found.gate("timing").findings} == {
        "ok_per_s",
        "latency_p50",
        "client_cpu",
        "latency_p99",
    }


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--base", "nowhere"), 2, "there is no revision 'nowhere' here"),
        (
            ("--base", "base", "--budget", "soon"),
            2,
            "'soon' is no time: write it as 90s, 10m or 1h",
        ),
        (("--base", "base", "--suite", "relay"), 2, "it needs [[arms]], and may have [[faults]]"),
        (("--base", "base", "--only", "nobody"), 3, "nobody"),
        ((), 2, "missing option '--base'"),
    ],
)
def test_what_is_asked_wrongly_is_answered_in_a_sentence(
    world: World, checkout: Checkout, options: tuple[str, ...], code: int, said: str
) -> None:
    done = world.call("regress", *options, folder=checkout.root)

    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_checkout_that_was_changed_and_a_folder_that_is_none_are_refused(
    world: World, checkout: Checkout, tmp_path: Path
) -> None:
    checkout.replace("pyproject.toml", 'name = "outboxbench"', 'name = "other"')
    changed = world.call("regress", "--base", "base", folder=checkout.root)
    world.environment["GIT_CEILING_DIRECTORIES"] = str(tmp_path.parent)
    nowhere = world.call("regress", "--base", "base", folder=tmp_path)

    assert (changed.returncode, nowhere.returncode) == (2, 2)
    assert "commit or stash them" in changed.stderr
    assert "is no checkout of git" in nowhere.stderr
