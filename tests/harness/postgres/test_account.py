"""Root hands the server to an account without privileges; everyone else runs it themselves."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

import outboxbench
from outboxbench.harness.postgres.account import Account, server_account, usable_binaries
from outboxbench.harness.postgres.binaries import binaries_in, embedded_binaries
from outboxbench.harness.postgres.cluster import Cluster
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.harness.janitor import Janitor

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

OPEN_A_SERVER = """
import os
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.server import connect, open_server

with Janitor() as janitor, open_server(None, None, janitor) as server:
    with connect(server.address) as connection:
        print(connection.execute("SELECT 6 * 7").fetchone())
    print(os.stat(f"/proc/{server.postmaster_pid}").st_uid == os.geteuid() != 0)
    print(server.cluster.data_directory.parent)
"""


def stranger() -> Account:
    entry = pwd.getpwnam("nobody")
    return Account("nobody", entry.pw_uid, entry.pw_gid)


def ordinary_python() -> str | None:
    """Return an interpreter like this one that an account without privileges can start."""
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in (
        sys.executable,
        shutil.which(f"python{wanted}", path="/usr/local/bin:/usr/bin"),
    ):
        if candidate is not None and said_by(stranger(), [candidate, "-c", program]) == wanted:
            return candidate
    return None


def said_by(account: Account, command: list[str], path: str = "") -> str:
    try:
        return subprocess.run(
            command,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (PermissionError, subprocess.CalledProcessError):
        return ""


@only_root
def test_as_root_the_server_runs_without_privileges(janitor: Janitor) -> None:
    account = server_account()
    assert account is not None
    with Cluster(embedded_binaries(), janitor) as cluster:
        postmaster = psutil.Process(cluster.postmaster_pid)
        assert set(postmaster.uids()) == {account.uid}
        assert set(postmaster.gids()) == {account.gid}
        groups = Path(f"/proc/{postmaster.pid}/status").read_text().partition("Groups:")[2]
        assert groups.splitlines()[0].split() == []


@only_root
def test_an_installation_that_the_account_cannot_reach_is_copied(
    tmp_path: Path, janitor: Janitor
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    original = embedded_binaries().directory.parent
    package = closed / "site-packages" / original.parent.name
    shutil.copytree(original, package / original.name)
    libraries = original.parent.with_name(f"{original.parent.name}.libs")
    shutil.copytree(libraries, package.with_name(libraries.name))
    with Cluster(binaries_in(package / original.name / "bin"), janitor) as cluster:
        folder = cluster.data_directory.parent
        program = psutil.Process(cluster.postmaster_pid).exe()
        assert Path(program).is_relative_to(folder)
        assert not list(folder.glob("**/include"))
        with connect(cluster.address) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not folder.exists()


@only_root
@pytest.mark.parametrize("mode", [0o700, 0o711])
def test_parts_closed_by_a_strict_umask_are_copied_readable(open_folder: Path, mode: int) -> None:
    programs = open_folder / "pgsql" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").touch(0o700)
    programs.chmod(mode)
    binaries = replace(embedded_binaries(), directory=programs)
    copy = usable_binaries(binaries, stranger(), open_folder / "server")
    assert copy.path("postgres").stat().st_mode & 0o777 == 0o755
    assert copy.directory.stat().st_mode & 0o555 == 0o555
    assert copy.version == binaries.version


def test_an_installation_that_the_account_can_reach_is_used_where_it_is(tmp_path: Path) -> None:
    binaries = embedded_binaries()
    assert usable_binaries(binaries, None, tmp_path) is binaries
    assert not list(tmp_path.iterdir())


@only_root
@pytest.mark.parametrize(
    ("mode", "owner", "group", "reached"),
    [
        (0o755, 0, 0, True),
        (0o700, 0, 0, False),
        (0o754, 0, 0, False),
        (0o700, "uid", 0, True),
        (0o077, "uid", 0, False),
        (0o710, 0, "gid", True),
        (0o701, 0, "gid", False),
    ],
)
def test_reach_is_judged_by_every_folder_on_the_way(
    mode: int, owner: int | str, group: int | str, *, reached: bool, open_folder: Path
) -> None:
    account = stranger()
    inner = open_folder / "outer" / "inner"
    inner.mkdir(parents=True)
    outer = inner.parent
    os.chown(outer, account.uid if owner == "uid" else 0, account.gid if group == "gid" else 0)
    outer.chmod(mode)
    assert account.can_enter(inner) is reached
    assert account.can_use(inner) is reached
    assert bool(said_by(account, ["/bin/ls", "-d", str(inner)])) is reached


@only_root
def test_an_ordinary_user_runs_a_server_as_themselves() -> None:
    python = ordinary_python()
    source = Path(outboxbench.__file__).parent.parent
    if python is None or not stranger().can_enter(source):
        pytest.skip("no account without privileges can run Python and read this checkout here")
    path = os.pathsep.join([str(source), sysconfig.get_path("purelib")])
    said = said_by(stranger(), [python, "-c", OPEN_A_SERVER], path).splitlines()
    assert said[:2] == ["(42,)", "True"]
    assert not Path(said[2]).exists()
