"""A NATS server of the harness's own: private, and gone afterwards."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from outboxbench.core.brokers.nats import NatsBroker
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.nats import server as server_module
from outboxbench.harness.nats.server import HOST, USER, NatsServer
from outboxbench.harness.postgres.place import FOLDER_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outboxbench.harness.janitor import Janitor

PATIENCE_S = 20.0

RUN_A_SERVER = """
import time
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.nats.server import NatsServer
from outboxbench.harness.signals import raise_on_sigterm

with raise_on_sigterm(), Janitor() as janitor, NatsServer(janitor) as server:
    print(server.pid, janitor.pid, flush=True)
    time.sleep(600)
"""
DIE_BEFORE_THE_SERVER_IS_REGISTERED = """
import os, signal
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.nats.server import NatsServer

class LateJanitor(Janitor):
    def watch_process(self, pid, gentle_signal):
        print(pid, self.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

with LateJanitor() as janitor, NatsServer(janitor):
    pass
"""


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the servers of a test keep their folders, and nobody else does."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def server(janitor: Janitor) -> Iterator[NatsServer]:
    with NatsServer(janitor) as server:
        yield server


def listening(server: NatsServer) -> set[tuple[str, int]]:
    return {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process(server.pid).net_connections(kind="all")
        if connection.status == psutil.CONN_LISTEN
    }


def port_of(server: NatsServer) -> int:
    return int(server.url.rpartition(":")[2])


def test_it_listens_on_one_port_of_the_loopback_address_and_nowhere_else(
    server: NatsServer,
) -> None:
    assert server.url.startswith(f"nats://{HOST}:")
    assert listening(server) == {("127.0.0.1", port_of(server))}


def test_the_password_is_in_no_file_and_on_no_command_line(server: NatsServer, place: Path) -> None:
    assert len(server.password) >= 32
    command = Path(f"/proc/{server.pid}/cmdline").read_bytes()
    assert server.password.encode() not in command
    files = [path for path in place.rglob("*") if path.is_file()]
    assert {"nats.conf", "server.log"} <= {path.name for path in files}
    assert not [path for path in files if server.password.encode() in path.read_bytes()]


@pytest.mark.parametrize("password", ["5Nab", "-1x", "1e5", "12k", "true", "0123", "_-a"])
async def test_any_password_that_may_be_drawn_lets_its_owner_in(
    janitor: Janitor, password: str
) -> None:
    server = NatsServer(janitor)
    server.password = password
    with server:
        broker = await NatsBroker.connect(server.url, user=USER, password=password)
        await broker.close()


@pytest.mark.usefixtures("server")
def test_nobody_else_can_enter_its_folder(place: Path) -> None:
    (folder,) = place.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_it_comes_back_on_the_same_port_after_a_stop_and_after_a_crash(server: NatsServer) -> None:
    port = port_of(server)
    for number in (signal.SIGTERM, signal.SIGKILL):
        process = psutil.Process(server.pid)
        server.stop(number)
        assert not process.is_running()
        server.start()
        assert port_of(server) == port
        assert listening(server) == {("127.0.0.1", port)}


def test_a_server_that_is_stopped_has_no_process(server: NatsServer) -> None:
    server.stop()
    server.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.pid


def test_two_servers_run_side_by_side_and_know_nothing_of_each_other(
    server: NatsServer, janitor: Janitor, place: Path
) -> None:
    with NatsServer(janitor) as other:
        assert listening(server).isdisjoint(listening(other))
        assert server.password != other.password
        assert len(list(place.iterdir())) == 2
    assert len(list(place.iterdir())) == 1
    assert psutil.pid_exists(server.pid)


def test_process_and_folder_are_gone_afterwards_even_if_the_work_failed(
    janitor: Janitor, place: Path
) -> None:
    processes = []

    def work() -> None:
        with NatsServer(janitor) as server:
            processes.append(psutil.Process(server.pid))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert [process.is_running() for process in processes] == [False]
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_and_no_folder_outlives_a_harness_that_is_hit_by(
    number: signal.Signals, place: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN_A_SERVER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as harness:
        assert harness.stdout is not None
        try:
            server, janitor = map(psutil.Process, map(int, harness.stdout.readline().split()))
            assert len(list(place.iterdir())) == 1
        finally:
            harness.send_signal(number)
    assert eventually(lambda: not server.is_running())
    assert eventually(lambda: list(place.iterdir()) == [])
    assert eventually(lambda: not janitor.is_running())


def test_a_server_that_its_harness_had_no_time_to_register_does_not_outlive_it(
    place: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DIE_BEFORE_THE_SERVER_IS_REGISTERED],
        stdout=subprocess.PIPE,
        text=True,
    ) as harness:
        assert harness.stdout is not None
        server, janitor = map(psutil.Process, map(int, harness.stdout.readline().split()))
    try:
        assert eventually(lambda: not janitor.is_running())
        assert eventually(lambda: not server.is_running()), "nobody ended the server"
        assert list(place.iterdir()) == []
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            server.kill()


def test_a_server_that_does_not_start_is_reported_with_what_it_says_and_leaves_nothing(
    janitor: Janitor, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_CONFIGURATION", 'listen: "nowhere:{port}"\n')
    with (
        pytest.raises(CannotRun, match=r"does not start; it says: .*nowhere"),
        NatsServer(janitor),
    ):
        pass
    assert list(place.iterdir()) == []


def test_a_machine_without_the_program_is_told_what_to_install(
    janitor: Janitor, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "PROGRAM", "no-such-program")
    with (
        pytest.raises(CannotRun, match=r"install outboxbench\[nats\]"),
        NatsServer(janitor),
    ):
        pass
    assert list(place.iterdir()) == []
