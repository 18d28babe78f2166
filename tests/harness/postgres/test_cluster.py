"""A server of the harness's own: durable, private, and gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
from tests.processes import command_line, environment, process_tree

from outboxbench.harness.errors import BadInput, CannotRun
from outboxbench.harness.postgres import postmaster
from outboxbench.harness.postgres.binaries import embedded_binaries
from outboxbench.harness.postgres.cluster import Cluster
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.postgres.tuning import SERVER_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.binaries import Binaries

FILL_A_DISK = """
import os, subprocess, sys
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.binaries import embedded_binaries
from outboxbench.harness.postgres.cluster import Cluster

disk = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=1777", "tmpfs", disk], check=True)
os.environ["OUTBOXBENCH_TMPDIR"] = disk
try:
    with Janitor() as janitor, Cluster(embedded_binaries(), janitor):
        pass
except CannotRun as error:
    print(error)
print(os.listdir(disk))
"""


@pytest.fixture(scope="module")
def cluster(janitor: Janitor) -> Iterator[Cluster]:
    with Cluster(embedded_binaries(), janitor) as cluster:
        yield cluster


def show(cluster: Cluster, name: str) -> str:
    with connect(cluster.address) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def test_every_installation_makes_a_server_that_works_and_goes(
    installation: Binaries, janitor: Janitor
) -> None:
    with Cluster(installation, janitor) as cluster:
        folder = cluster.data_directory.parent
        processes = process_tree(cluster.postmaster_pid)
        assert show(cluster, "server_version").split()[0] == installation.version
    assert not folder.exists()
    assert not any(process.is_running() for process in processes)


@pytest.mark.parametrize("name", SERVER_SETTINGS)
def test_the_server_has_the_setting(cluster: Cluster, name: str) -> None:
    assert show(cluster, name) == SERVER_SETTINGS[name]


def test_it_listens_on_the_loopback_address_alone(cluster: Cluster) -> None:
    assert show(cluster, "listen_addresses") == "127.0.0.1"
    assert show(cluster, "unix_socket_directories") == ""
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process(cluster.postmaster_pid).net_connections(kind="all")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", cluster.address.port)}


def test_nobody_gets_in_without_the_password(cluster: Cluster) -> None:
    address = cluster.address
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            dbname=address.database,
            password="wrong",
        )
    with connect(address) as connection:
        stored = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolcanlogin")
        assert [row[0].startswith("SCRAM-SHA-256$") for row in stored] == [True]


def test_the_password_is_in_no_file_no_argument_no_environment_and_no_log(
    cluster: Cluster,
) -> None:
    secret = cluster.address.password
    assert len(secret) >= 32
    assert secret not in repr(cluster.address)
    tree = process_tree(cluster.postmaster_pid)
    assert str(cluster.data_directory) in command_line(tree[0])
    assert environment(tree[0])
    for process in tree:
        assert secret not in " ".join(command_line(process))
        assert secret not in " ".join(environment(process).values())
    for file in cluster.data_directory.parent.rglob("*"):
        if file.is_file() and file.stat().st_size < 1_000_000:
            assert secret.encode() not in file.read_bytes(), file


def test_only_the_owner_can_look_into_its_folder(cluster: Cluster) -> None:
    assert cluster.data_directory.parent.stat().st_mode & 0o077 == 0


def test_its_encoding_and_order_are_the_same_on_every_machine(cluster: Cluster) -> None:
    with connect(cluster.address) as connection:
        row = connection.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database LIMIT 1"
        ).fetchone()
    assert row == ("UTF8", "C", "C")


def test_its_log_outlives_it_as_a_copy(janitor: Janitor, tmp_path: Path) -> None:
    with Cluster(embedded_binaries(), janitor) as cluster:
        pid = cluster.postmaster_pid
        assert f"[{pid}] LOG:" in cluster.log_text()
        cluster.copy_log(tmp_path / "server.log")
    assert "ready to accept connections" in (tmp_path / "server.log").read_text()


def test_two_at_once_do_not_disturb_each_other(cluster: Cluster, janitor: Janitor) -> None:
    with Cluster(embedded_binaries(), janitor) as other:
        assert other.address.port != cluster.address.port
        assert other.address.password != cluster.address.password
        assert other.data_directory != cluster.data_directory
    with connect(cluster.address) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_callers_settings_come_on_top(janitor: Janitor) -> None:
    settings = {"max_connections": "20", "log_line_prefix": "it's %p "}
    with Cluster(embedded_binaries(), janitor, settings) as cluster:
        assert show(cluster, "max_connections") == "20"
        assert show(cluster, "log_line_prefix") == "it's %p "
        assert show(cluster, "shared_buffers") == SERVER_SETTINGS["shared_buffers"]


def test_a_port_that_another_process_took_is_not_the_end(
    janitor: Janitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        taken = occupant.getsockname()[1]
        ports = iter([taken, postmaster.free_port()])
        monkeypatch.setattr(postmaster, "free_port", lambda: next(ports))
        with Cluster(embedded_binaries(), janitor) as cluster:
            assert cluster.address.port != taken


def test_a_setting_that_does_not_exist_is_reported_in_the_servers_words(
    janitor: Janitor,
) -> None:
    cluster = Cluster(embedded_binaries(), janitor, {"no_such_thing": "1"})
    with pytest.raises(CannotRun, match='configuration parameter "no_such_thing"'), cluster:
        pass
    assert not cluster.data_directory.parent.exists()


def test_the_folder_for_data_can_be_chosen(
    janitor: Janitor, monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    monkeypatch.setenv("OUTBOXBENCH_TMPDIR", str(open_folder))
    with Cluster(embedded_binaries(), janitor) as cluster:
        assert cluster.data_directory.parent.parent == open_folder
    assert not list(open_folder.iterdir())


def test_a_folder_for_data_that_does_not_exist_is_refused(
    janitor: Janitor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OUTBOXBENCH_TMPDIR", str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match=r"nowhere is no folder .* set OUTBOXBENCH_TMPDIR"):
        Cluster(embedded_binaries(), janitor)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who runs the server as another")
def test_a_folder_for_data_that_the_server_cannot_enter_is_refused(
    janitor: Janitor, monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    open_folder.chmod(0o700)
    monkeypatch.setenv("OUTBOXBENCH_TMPDIR", str(open_folder))
    with pytest.raises(BadInput, match=r"who cannot enter .* set OUTBOXBENCH_TMPDIR"):
        Cluster(embedded_binaries(), janitor)


def can_mount() -> bool:
    unshare = shutil.which("unshare")
    return unshare is not None and not subprocess.call(
        [unshare, "--mount", "true"], stderr=subprocess.DEVNULL
    )


@pytest.mark.skipif(not can_mount(), reason="needs the right to mount a small disk")
def test_a_full_disk_is_called_by_its_name_and_left_empty(open_folder: Path) -> None:
    # The mount namespace is the process's own, so that the disk goes with it.
    answer = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", FILL_A_DISK, open_folder],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"the disk that holds {open_folder} is full; free some space there" in answer.stdout
    assert answer.stdout.splitlines()[-1] == "[]"


def test_a_server_that_does_not_stop_politely_is_stopped(
    janitor: Janitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postmaster, "AT_ONCE", ((signal.SIGCONT, 0.1), (signal.SIGQUIT, 20.0)))
    with Cluster(embedded_binaries(), janitor) as cluster:
        processes = process_tree(cluster.postmaster_pid)
        folder = cluster.data_directory.parent
    assert not any(process.is_running() for process in processes)
    assert not folder.exists()
