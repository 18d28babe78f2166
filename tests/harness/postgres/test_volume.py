"""Small volumes: refused where they cannot be had, and not for databases that do not fit."""

from __future__ import annotations

import ctypes
import secrets
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres import volume as volumes
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.postgres.volume import HOW_TO_BE_ALLOWED, SmallVolume, may_mount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

needs_mount = pytest.mark.skipif(not may_mount(), reason=HOW_TO_BE_ALLOWED)


@pytest.fixture
def server(janitor: Janitor) -> Iterator[Server]:
    with open_server(None, None, janitor) as server:
        yield server


@needs_mount
def test_a_database_that_is_too_large_is_refused_and_its_volume_goes_with_the_server(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.cluster is not None
    monkeypatch.setattr(volumes, "SIZE_BYTES", 1024 * 1024)
    volume = SmallVolume(server.cluster)
    volume.mount()
    folder = server.cluster.data_directory.parent / "volume"
    with Databases(server, f"large{secrets.token_hex(4)}") as databases:
        address = databases.create("block")
        with pytest.raises(CannotRun, match="of 1 MiB: give the suite a smaller dataset"):
            volume.take_in(address)
        # It is where it was.
        with connect(address) as connection:
            connection.execute("CREATE TABLE it_grows ()")
    assert folder.is_mount()
    server.cluster.stop()
    assert not folder.parent.exists()


@needs_mount
def test_a_filled_volume_is_free_again_however_often_it_was_filled(server: Server) -> None:
    assert server.cluster is not None
    volume = SmallVolume(server.cluster)
    volume.mount()
    filled_bytes = volume.fill()
    assert 0.9 * volumes.SIZE_BYTES < filled_bytes <= volumes.SIZE_BYTES
    assert volume.fill() == filled_bytes
    volume.free()
    volume.free()
    assert volume.fill() == filled_bytes


def test_where_nothing_can_be_mounted_it_is_said_what_that_takes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoMount:
        def __init__(self, *_: object, **__: object) -> None: ...

        def mount(self, *_: object) -> int:
            return -1

    assert server.cluster is not None
    with monkeypatch.context() as patch:
        patch.setattr(ctypes, "CDLL", NoMount)
        patch.setattr(ctypes, "get_errno", lambda: 1)
        with pytest.raises(CannotRun, match=r"Operation not permitted.*CAP_SYS_ADMIN"):
            SmallVolume(server.cluster).mount()
