"""A run with rates and a network through the executable: the document holds what was measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import World

SCHEMA_FILE = Path(__file__).parents[2] / "results" / "run.schema.json"
CORES = len(os.sched_getaffinity(0))
SHARE = "50% of slowest"
SUITE = f"""
name = "loads"
description = "As little as can be measured of an open loop behind a network."
rounds = 2
window_s = 0.1
warm_up_s = 0.05
pin = "auto"
extra_rounds = 1

[dataset]
accounts = 50
orders = 50

[[arms]]
strategies = ["asyncpg", "psycopg"]
loops = ["asyncio"]
clients = [4]
rates = ["{SHARE}", 200.0]
network_rtt_ms = [0.0, 0.5]
"""


@pytest.mark.slow
def test_a_run_with_rates_behind_networks_says_all_that_it_found_out(world: World) -> None:
    suite = world.folder / "loads.toml"
    suite.write_text(SUITE, encoding="utf-8")

    done = world.call("run", suite, "--out", world.out)

    assert done.returncode == 0, done.stderr
    (folder,) = world.runs
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert_schema(folder / "run.json")
    assert document["complete"] is True
    assert document["verdict"] == "pass"
    assert [delay["rtt_ms"] for delay in document["network"]] == [0.5]
    assert document["network"][0]["added_p50_us"] > 0
    assert_pinned(document["pinning"])
    assert document["calibrated_at"] is None
    assert document["rounds_added"] in {0, 1}
    arms = {arm["name"]: arm for arm in document["arms"]}
    # No ceiling: how much an open loop does is given.
    assert len(arms) == 2 * 2 * 2
    for arm in arms.values():
        assert_load(arm, document["rounds"], document["rounds_added"])
    assert_same_rate_for_all_of_a_table(list(arms.values()))
    assert_compared(document)
    assert {"few-rounds", "not-calibrated"} <= {each["code"] for each in document["warnings"]}


def assert_schema(path: Path) -> None:
    validation = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--schemafile", SCHEMA_FILE, path],
        check=False,
        capture_output=True,
        text=True,
    )
    assert validation.returncode == 0, validation.stdout


def assert_pinned(pinning: dict[str, Any]) -> None:
    if CORES < 2:
        assert pinning == {"server_cores": None, "client_cores": None}
        return
    server, clients = pinning["server_cores"], pinning["client_cores"]
    assert len(clients) == 1
    assert len(server) == CORES - 1
    assert not set(server) & set(clients)


def assert_load(arm: dict[str, Any], rounds: int, added: int) -> None:
    settings = arm["settings"]
    assert settings["arrivals"] == "poisson"
    assert settings["network_rtt_ms"] in {0.0, 0.5}
    assert arm["capacity_ok_per_s"] > 0
    if settings["rate"] == "200 per s":
        assert arm["offered_per_s"] == 200.0
    else:
        assert settings["rate"] == SHARE
        assert 0 < arm["offered_per_s"] <= arm["capacity_ok_per_s"] / 2 * 1.000001
    assert arm["summary"]["ceiling_ratio_median"] is None
    assert arm["summary"]["generator_lag_us"]["samples"] > 0
    assert rounds <= len(arm["blocks"]) <= rounds + added
    for block in arm["blocks"]:
        assert block["outcomes"]["ok"] > 0
        assert block["schedule_lag_us"]["samples"] > 0
        conditions = block["conditions"]
        assert 0 <= conditions["foreign_cpu_share"] <= 1
        assert 0 <= conditions["steal_share"] <= 1
        assert conditions["checkpoints"] >= 0
        assert conditions["autovacuums"] >= 0


def assert_same_rate_for_all_of_a_table(arms: list[dict[str, Any]]) -> None:
    for rtt_ms in (0.0, 0.5):
        table = [
            arm
            for arm in arms
            if arm["settings"]["rate"] == SHARE and arm["settings"]["network_rtt_ms"] == rtt_ms
        ]
        slowest = min(arm["capacity_ok_per_s"] for arm in table)
        assert [arm["offered_per_s"] for arm in table] == [pytest.approx(slowest / 2)] * 2


def assert_compared(document: dict[str, Any]) -> None:
    pairs = {(each["base"], each["head"]) for each in document["comparisons"]}
    assert pairs == {
        tuple(
            f"{strategy}/asyncio/charge/matched/4 clients/{away} ms away/{rate}"
            for strategy in ("asyncpg", "psycopg")
        )
        for away in ("0", "0.5")
        for rate in (SHARE, "200 per s")
    }
    # Its throughput is what it was offered.
    assert "ok_per_s" not in {each["metric"] for each in document["comparisons"]}
    assert all(each["low"] <= each["ratio"] <= each["high"] for each in document["comparisons"])
    assert {each["margin"] for each in document["comparisons"]} == {0.05}
