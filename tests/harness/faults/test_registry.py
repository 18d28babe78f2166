"""The faults by name, and which of them a server is spared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.faults import registry
from outboxbench.harness.faults.registry import FAULTS, NEEDS_SUPERUSER, refuse_reason

if TYPE_CHECKING:
    from outboxbench.harness.postgres.server import Server

ON_SERVER = {
    "connection-refusal",
    "server-crash",
    "server-restart",
    "server-freeze",
    "failover-async",
    "failover-sync",
    "slow-disk",
    "disk-full",
}


@pytest.fixture(autouse=True)
def _volumes_can_be_mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "may_mount", lambda: True)


@pytest.mark.parametrize("name", FAULTS)
def test_every_kind_says_what_it_does_in_one_line(name: str) -> None:
    kind = FAULTS[name]
    assert kind.name == name
    assert 0 < len(kind.description) <= 80
    assert "\n" not in kind.description


def test_nobody_can_add_to_it() -> None:
    with pytest.raises(TypeError):
        FAULTS["mine"] = FAULTS["deadlock"]  # type: ignore[index]


def test_a_server_of_ours_is_spared_nothing(server: Server) -> None:
    assert {name for name in FAULTS if refuse_reason(FAULTS[name], server)} == set()


def test_a_server_of_somebody_elses_is_spared_what_would_hurt_others(server: Server) -> None:
    theirs = replace(server, origin="dsn", cluster=None, postmaster_pid=None)
    reasons = {name: refuse_reason(kind, theirs) for name, kind in FAULTS.items()}
    assert {name for name, reason in reasons.items() if reason} == ON_SERVER
    assert reasons["server-crash"] == (
        "server-crash would hurt everybody on a server that outboxbench did not start: "
        "run without --dsn, or leave it out"
    )


def test_what_needs_a_superuser_is_refused_without_one(server: Server) -> None:
    ordinary = replace(server, is_superuser=False)
    refused = {name for name, kind in FAULTS.items() if refuse_reason(kind, ordinary)}
    assert refused == NEEDS_SUPERUSER
    assert refuse_reason(FAULTS["slow-disk"], ordinary) == (
        "slow-disk needs a superuser: connect as one, or leave it out"
    )


def test_what_needs_a_volume_is_refused_where_none_can_be_mounted(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "may_mount", lambda: False)
    refused = {name for name, kind in FAULTS.items() if refuse_reason(kind, server)}
    assert refused == {"disk-full"}
    assert refuse_reason(FAULTS["disk-full"], server) == (
        "disk-full mounts a small volume, and it takes the rights of root (CAP_SYS_ADMIN) on "
        "Linux: run as root, and in a container with that right, or leave it out"
    )
