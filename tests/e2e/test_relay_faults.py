"""A suite of faults with relays, from the command line to the verdict."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from outboxbench.results.run_file import read_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import World

SUITE = """
name = "relayed"
description = "Relays beside the clients, as little as can be judged."
ceiling = false

[dataset]
accounts = 100
orders = 10

[[faults]]
strategies = ["asyncpg"]
faults = ["{fault}"]
relays = 2
brokers = ["{broker}"]
rates_per_s = [40.0]
clients = 4
injections = 1
clean_s = 0.5
hold_s = 0.3
recovery_s = 0.7
"""


def suite_of(world: World, fault: str, broker: str) -> Path:
    path = world.folder / "relayed.toml"
    path.write_text(SUITE.format(fault=fault, broker=broker), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("fault", "broker", "proof"),
    [
        ("relay-kill", "memory", "deliveries_cut"),
        pytest.param("broker-down", "nats", "pid_back", marks=pytest.mark.slow),
        # Its server is its own, and takes the harness's connections with it.
        pytest.param("server-crash", "memory", "server_ready_ns", marks=pytest.mark.slow),
    ],
)
def test_what_breaks_relays_costs_no_message(
    fault: str, broker: str, proof: str, world: World
) -> None:
    done = world.call("run", suite_of(world, fault, broker), "--out", world.out)

    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = world.runs
    run = read_run(folder)
    (arm,) = run.faults
    assert arm.verdict == "pass"
    assert arm.relaying is not None
    assert (arm.relaying.relays, arm.relaying.plan, arm.relaying.broker) == (2, "lease", broker)
    assert arm.name.endswith(f"/2 relays/lease/{broker}/notify")
    (injection,) = arm.availability.injections
    assert injection.deliveries is not None
    lines = [
        json.loads(line)
        for line in gzip.decompress((folder / arm.history).read_bytes()).splitlines()
    ]
    assert sum(kind == "delivery" for kind, *_ in lines) > 0
    (evidence,) = [line[-1] for line in lines if line[0] == "fault"]
    assert evidence[proof] > 0
    assert "deliveries" in done.stdout


def test_a_fault_of_relays_without_relays_is_bad_input(world: World) -> None:
    path = suite_of(world, "relay-kill", "memory")
    path.write_text(path.read_text(encoding="utf-8").replace("relays = 2\n", ""), encoding="utf-8")
    done = world.call("run", path, "--out", world.out)
    assert done.returncode == 2
    assert "relay-kill needs relays: set relays = 2" in " ".join(done.stderr.split())
