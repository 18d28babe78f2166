"""What is in the containers is set up as on this machine, is ours alone, and knows no password."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.core import TyperGroup
from typer.main import get_command

from outboxbench.cli.main import command_line
from outboxbench.cli.relay_parts import DSN_VARIABLE
from outboxbench.cli.serve import TOKEN_VARIABLE
from outboxbench.harness.postgres.tuning import SERVER_SETTINGS

CHECKOUT = Path(__file__).parents[2]
FILE = CHECKOUT / "docker-compose.yml"
DOCKERFILE = CHECKOUT / "Dockerfile"
OURS = ("service", "relay", "locust-master", "locust-worker")
VARIABLES = {DSN_VARIABLE, TOKEN_VARIABLE, "NATS_USER", "NATS_PASSWORD"}


@pytest.fixture
def services() -> dict[str, Any]:
    with FILE.open(encoding="utf-8") as file:
        document: dict[str, Any] = YAML(typ="safe").load(file)
    services: dict[str, Any] = document["services"]
    return services


@pytest.fixture
def service(services: dict[str, Any]) -> dict[str, Any]:
    postgres: dict[str, Any] = services["postgres"]
    return postgres


def test_its_settings_are_those_of_the_embedded_server(service: dict[str, Any]) -> None:
    program, *options = service["command"]

    assert program == "postgres"
    assert all(option.startswith("-c") for option in options)
    settings = [option.removeprefix("-c").partition("=") for option in options]
    assert {name: value for name, _, value in settings} == SERVER_SETTINGS


def test_it_is_postgresql_18(service: dict[str, Any]) -> None:
    assert service["image"] == "postgres:18"


def test_only_this_machine_reaches_it(service: dict[str, Any]) -> None:
    assert [port.partition(":")[0] for port in service["ports"]] == ["127.0.0.1"]


def test_its_password_comes_from_outside_and_has_no_default(service: dict[str, Any]) -> None:
    password = service["environment"]["POSTGRES_PASSWORD"]

    assert password.startswith("${OUTBOXBENCH_PASSWORD:?")
    assert "scram-sha-256" in service["environment"]["POSTGRES_INITDB_ARGS"]


def test_it_says_when_it_is_ready(service: dict[str, Any]) -> None:
    assert "pg_isready" in service["healthcheck"]["test"]


def test_it_says_how_it_is_used() -> None:
    comment = FILE.read_text(encoding="utf-8").partition("services:")[0]

    assert "make bench DSN=" in comment
    assert "docker compose up --detach --wait" in comment


def test_it_is_valid_by_the_schema_of_the_compose_specification() -> None:
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema"),
            *("vendor.compose-spec", str(FILE)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", ["service", "relay"])
def test_every_command_of_ours_is_one_that_it_understands(
    name: str, services: dict[str, Any]
) -> None:
    command, words = get_command(command_line()), list(services[name]["command"])
    while isinstance(command, TyperGroup) and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    known = {option for each in command.params for option in each.opts}

    assert not isinstance(command, TyperGroup)
    assert {word for word in words if word.startswith("-")} <= known
    assert [word for word in words[::2] if not word.startswith("-")] == []


OPTIONS_OF_LOCUST = """
from locust.argument_parser import get_parser
from outboxbench.harness.http.locust_run import add_options

parser = get_parser(default_config_files=[])
add_options(parser)
print(*(option for action in parser._actions for option in action.option_strings))
"""


def test_every_option_of_locust_is_one_that_it_understands(services: dict[str, Any]) -> None:
    # In a process of its own, as Locust changes what Python's modules do. `locust --help` does not
    # tell of the options that a file adds.
    told = subprocess.run(
        [sys.executable, "-c", OPTIONS_OF_LOCUST], capture_output=True, text=True, check=True
    )

    known = set(told.stdout.split())
    for name in ("locust-master", "locust-worker"):
        assert services[name]["entrypoint"] == ["locust"]
        words = services[name]["command"]
        assert {word for word in words if word.startswith("-")} <= known


def test_every_variable_is_one_that_somebody_reads(services: dict[str, Any]) -> None:
    named = {variable for name in OURS for variable in services[name]["environment"]}

    assert named <= VARIABLES
    assert {DSN_VARIABLE, TOKEN_VARIABLE} <= named


def test_what_is_ours_has_no_more_rights_than_it_needs(services: dict[str, Any]) -> None:
    for name in OURS:
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["read_only"] is True
        assert services[name]["image"] == "outboxbench:local"
    last_user = re.findall(r"^USER (.+)$", DOCKERFILE.read_text(), re.MULTILINE)[-1]
    assert last_user not in ("root", "0")


def test_all_are_limited_and_versions_are_pinned(services: dict[str, Any]) -> None:
    for name, each in services.items():
        if name != "postgres":
            assert set(each["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
        assert re.search(r":(\d+|local)", each["image"]), name
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert all(re.search(r":\d+\.\d+\.\d+", base) for base in bases)


def test_who_listens_says_when_it_is_ready_and_is_reached_from_this_machine_alone(
    services: dict[str, Any],
) -> None:
    for name in ("postgres", "standby", "nats", "service", "proxy"):
        assert services[name]["healthcheck"]["test"], name
    for name, each in services.items():
        ports = [port.partition(":")[0] for port in each.get("ports", ())]
        assert set(ports) <= {"127.0.0.1"}, name


def test_no_password_stands_in_it() -> None:
    text = FILE.read_text(encoding="utf-8")

    for line in text.splitlines():
        if re.search(r"PASSWORD|TOKEN|--pass", line) and not line.startswith("#"):
            assert re.search(r"\$\{OUTBOXBENCH_(PASSWORD|TOKEN):", line), line
