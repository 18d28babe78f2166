"""The container is set up as the embedded server, is ours alone, and knows no password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from outboxbench.harness.postgres.tuning import SERVER_SETTINGS

FILE = Path(__file__).parents[2] / "docker-compose.yml"


@pytest.fixture
def service() -> dict[str, Any]:
    with FILE.open(encoding="utf-8") as file:
        document: dict[str, Any] = YAML(typ="safe").load(file)
    service: dict[str, Any] = document["services"]["postgres"]
    return service


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
