"""The proxy answers, or one sentence says why not; it never outlives the harness."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.wire.proxy_process import WireProxy

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

PATIENCE_S = 30.0

RUN_A_PROXY = """
import time
from outboxbench.core.strategies.settings import DatabaseAddress
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.wire.proxy_process import WireProxy

server = DatabaseAddress("127.0.0.1", 1, "nobody", "", "nowhere")
with Janitor() as janitor, WireProxy(server, janitor) as proxy:
    print(proxy.pid, flush=True)
    time.sleep(600)
"""
# Its janitor goes first, and takes with it what is registered.
LOSE_THE_JANITOR = """
import os
from outboxbench.core.strategies.settings import DatabaseAddress
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.wire.proxy_process import WireProxy

with Janitor() as janitor:
    proxy = WireProxy(DatabaseAddress("127.0.0.1", 1, "nobody", "", "nowhere"), janitor)
    proxy.__enter__()
try:
    proxy.counts()
except CannotRun as error:
    print(error, flush=True)
os._exit(0)
"""


def test_counts_stand_still_while_nobody_speaks(proxied: DatabaseAddress, proxy: WireProxy) -> None:
    with connect(proxied) as connection:
        before = proxy.counts()
        connection.execute("SELECT 1")
        after = proxy.counts()
        assert proxy.counts() == after

    assert (after - before).round_trips == 1
    assert (after - before).frontend_messages == {"Query": 1}


def test_what_ended_sessions_did_still_counts(proxied: DatabaseAddress, proxy: WireProxy) -> None:
    before = proxy.counts()
    for _ in range(3):
        with connect(proxied) as connection:
            connection.execute("SELECT 1")

    between = proxy.counts() - before
    assert (between.sessions, between.round_trips) == (3, 3)


def test_nobody_but_this_machine_can_connect(proxy: WireProxy) -> None:
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(proxy.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]

    assert listening == ["127.0.0.1"]


def test_the_password_is_no_argument_and_no_variable(
    proxied: DatabaseAddress, proxy: WireProxy
) -> None:
    process = Path(f"/proc/{proxy.pid}")

    shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()

    assert b"outboxbench.harness.wire.proxy" in shown
    assert proxied.password.encode() not in shown


def test_an_address_that_enforces_tls_is_refused(
    database: DatabaseAddress, janitor: Janitor
) -> None:
    with pytest.raises(CannotRun, match="sslmode=require hides the messages"):
        WireProxy(replace(database, sslmode="require"), janitor)


def test_an_address_that_would_like_tls_goes_without(
    database: DatabaseAddress, janitor: Janitor
) -> None:
    with WireProxy(replace(database, sslmode="prefer"), janitor) as proxy:
        assert proxy.address("other").sslmode == "disable"
        assert proxy.address("other").database == "other"


def test_a_proxy_that_was_killed_is_told(database: DatabaseAddress, janitor: Janitor) -> None:
    with WireProxy(database, janitor) as proxy:
        os.kill(proxy.pid, signal.SIGKILL)

        with pytest.raises(CannotRun, match=r"ended without an answer \(exit status -9\)"):
            proxy.counts()


def test_leaving_ends_the_proxy_and_its_connections(
    database: DatabaseAddress, janitor: Janitor
) -> None:
    def interrupted() -> None:
        with WireProxy(database, janitor) as proxy:
            pids.append(proxy.pid)
            raise KeyboardInterrupt

    pids: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_proxy_outlives_a_harness_that_is_hit_by(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN_A_PROXY], stdout=subprocess.PIPE, text=True
    ) as harness:
        assert harness.stdout is not None
        proxy = psutil.Process(int(harness.stdout.readline()))
        harness.send_signal(number)

    proxy.wait(PATIENCE_S)


def test_the_janitor_ends_a_proxy_whose_standard_input_stays_open() -> None:
    harness = subprocess.run(
        [sys.executable, "-c", LOSE_THE_JANITOR], check=True, capture_output=True, text=True
    )

    assert "the wire proxy ended without an answer (exit status -15)" in harness.stdout


def test_a_proxy_whose_harness_is_gone_ends_by_itself() -> None:
    command = [sys.executable, "-m", "outboxbench.harness.wire.proxy"]

    for told in ("", '{"host": "127.0.0.1", "port": 1}\n'):
        proxy = subprocess.run(command, check=False, input=told, capture_output=True, text=True)
        assert (proxy.returncode, proxy.stderr) == (0, "")
