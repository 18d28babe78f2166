"""A standby follows its primary, takes its place, and leaves nothing behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
from tests.processes import command_line, process_tree

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.probes import wait_until
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.postgres.standby import Standby

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.cluster import Cluster

END_WAITS = """
    SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'"""


@pytest.fixture
def primary(janitor: Janitor) -> Iterator[Cluster]:
    with open_server(None, None, janitor) as server:
        assert server.cluster is not None
        with connect(server.address) as connection:
            connection.execute("CREATE TABLE kept (n integer)")
        yield server.cluster


def store(cluster: Cluster, number: int) -> list[str]:
    """Commit a row; return of what the server warned."""
    warnings: list[str] = []
    with connect(cluster.address) as connection:
        connection.add_notice_handler(lambda notice: warnings.append(notice.message_primary or ""))
        connection.execute("INSERT INTO kept VALUES (%s)", [number])
    return warnings


def end_waits(cluster: Cluster) -> list[bool]:
    """Have whoever waits for a standby wait no longer; return whether that reached each of them."""
    with connect(cluster.address) as connection:
        return [was_told for (was_told,) in connection.execute(END_WAITS)]


def stored(cluster: Cluster) -> list[tuple[Any, ...]]:
    with connect(cluster.address) as connection:
        return connection.execute("SELECT n FROM kept ORDER BY n").fetchall()


def test_a_promoted_standby_has_what_it_received_and_takes_writes(
    primary: Cluster, janitor: Janitor
) -> None:
    store(primary, 1)
    with Standby(primary, janitor) as standby:
        standby.follow("asynchronous")
        assert stored(standby) == [(1,)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            store(standby, 2)
        assert standby.fall_behind(0.0).lag_ms >= 0
        assert store(primary, 3) == []
        primary.crash()
        standby.promote()
        store(standby, 4)
        assert stored(standby) == [(1,), (4,)]
        primary.start_apart()
        assert stored(primary) == [(1,), (3,)]
        # The one that took the place can have a standby of its own.
        with Standby(standby, janitor) as second:
            second.follow("asynchronous")
            assert stored(second) == [(1,), (4,)]


def test_commits_wait_for_a_synchronous_standby_and_no_longer_once_it_is_promoted(
    primary: Cluster, janitor: Janitor
) -> None:
    with Standby(primary, janitor) as standby:
        standby.follow("synchronous")
        assert store(primary, 1) == []
        standby.fall_behind(0.0)
        with ThreadPoolExecutor(1) as other:
            commit = other.submit(store, primary, 2)
            assert wait_until(lambda: any(end_waits(primary)))
            (warning,) = commit.result(10)
        assert "synchronous replication" in warning
        primary.crash()
        standby.promote()
        assert store(standby, 3) == []
        assert stored(standby) == [(1,), (3,)]


def test_a_primary_waits_for_no_standby_that_was_stopped(
    primary: Cluster, janitor: Janitor
) -> None:
    with Standby(primary, janitor) as standby:
        standby.follow("synchronous")
    with ThreadPoolExecutor(1) as other:
        commit = other.submit(store, primary, 1)
        try:
            assert commit.result(10) == []
        finally:
            end_waits(primary)


def test_the_password_is_in_no_file_and_on_no_command_line(
    primary: Cluster, janitor: Janitor
) -> None:
    with Standby(primary, janitor) as standby:
        standby.follow("synchronous")
        password = primary.address.password
        assert standby.address.password == password
        tree = process_tree(standby.postmaster_pid)
        assert str(standby.data_directory) in command_line(tree[0])
        assert not [process for process in tree if password in " ".join(command_line(process))]
        files = [path for path in standby.data_directory.parent.rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if password.encode() in path.read_bytes()]


def test_a_standby_that_cannot_be_made_leaves_neither_process_nor_folder(
    primary: Cluster, janitor: Janitor
) -> None:
    primary.crash()
    standby = Standby(primary, janitor)
    with pytest.raises(CannotRun, match="data directory cannot be made"), standby:
        pass
    folder = standby.data_directory.parent
    assert not folder.exists()
    assert not [pid for pid in psutil.pids() if _works_in(pid, folder)]


def test_one_that_does_not_follow_cannot_fall_behind(primary: Cluster, janitor: Janitor) -> None:
    with Standby(primary, janitor) as standby:
        standby.promote()
        with pytest.raises(CannotRun, match="no standby follows"):
            standby.fall_behind(0.0)


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(psutil.Process(pid).cwd()).is_relative_to(folder)
    except psutil.Error:
        return False
