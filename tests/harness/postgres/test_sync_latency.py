"""What a sync takes is measured where the data lies, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.postgres import sync_latency
from outboxbench.harness.postgres.binaries import Binaries
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.postgres.sync_latency import fsync_us, parse_fsync_us, server_fsync_us

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

OUTPUT = """\
1 second per test
O_DIRECT supported on this platform for open_datasync and open_sync.

Compare file sync methods using one 8kB write:
(in "wal_sync_method" preference order, except fdatasync is Linux's default)
        open_datasync                                  n/a*
        fdatasync                          1250.000 ops/sec     800 usecs/op
        fsync                              1000.000 ops/sec    1000 usecs/op
        fsync_writethrough                              n/a

Compare file sync methods using two 8kB writes:
        open_datasync                       400.000 ops/sec    2500 usecs/op
        fdatasync                           500.000 ops/sec    2000 usecs/op
"""


def lines_until(last: str) -> Iterator[str]:
    for line in OUTPUT.splitlines(keepends=True):
        yield line
        assert last not in line, "read on after the wanted line"


@pytest.fixture
def hanging(tmp_path: Path) -> Binaries:
    """Programs of which pg_test_fsync says nothing, ignores requests, and notes its pid."""
    program = tmp_path / "bin" / "pg_test_fsync"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntrap '' TERM\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    program.chmod(0o755)
    return Binaries(program.parent, "18.0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def assert_has_ended(pid_file: Path) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_sync_is_measured_and_leaves_nothing(installation: Binaries, open_folder: Path) -> None:
    measured = fsync_us(installation, open_folder, "fdatasync")

    assert measured is not None
    assert measured > 0
    assert not list(open_folder.iterdir())


def test_the_server_of_ours_is_measured(postgres_server: Server) -> None:
    measured = server_fsync_us(postgres_server)

    assert measured is not None
    assert measured > 0


def test_a_server_that_never_syncs_is_not_measured(janitor: Janitor) -> None:
    with open_server(None, None, janitor, {"fsync": "off"}) as server:
        assert server_fsync_us(server) is None


def test_a_server_that_is_not_ours_is_not_measured(postgres_server: Server) -> None:
    assert server_fsync_us(replace(postgres_server, cluster=None)) is None


def test_an_installation_without_the_program_measures_nothing(folder: Path) -> None:
    assert fsync_us(Binaries(folder, "18.0"), folder, "fdatasync") is None
    assert not list(folder.iterdir())


def test_a_folder_that_is_gone_measures_nothing(installation: Binaries, folder: Path) -> None:
    assert fsync_us(installation, folder / "gone", "fdatasync") is None


def test_only_the_wanted_method_of_one_write_is_read() -> None:
    assert parse_fsync_us(lines_until("fdatasync  "), "fdatasync") == 800.0
    assert parse_fsync_us(lines_until("fsync  "), "fsync") == 1000.0


@pytest.mark.parametrize("method", ["open_datasync", "fsync_writethrough", "open_sync"])
def test_a_method_that_cannot_be_used_measures_nothing(method: str) -> None:
    assert parse_fsync_us(OUTPUT.splitlines(keepends=True), method) is None


def test_a_disk_that_hangs_is_given_up(
    hanging: Binaries, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sync_latency, "PATIENCE_S", 0.5)

    assert fsync_us(hanging, folder, "fdatasync") is None
    assert_has_ended(tmp_path / "pid")
    assert not list(folder.iterdir())


def test_an_interruption_ends_the_program(
    hanging: Binaries, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sync_latency, "END_PATIENCE_S", 0.2)

    def interrupt_once_it_runs() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt_once_it_runs)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        fsync_us(hanging, folder, "fdatasync")
    interrupter.join()

    assert_has_ended(tmp_path / "pid")
    assert not list(folder.iterdir())
