"""What can be run is listed, and what this machine cannot do is said with what to do about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from outboxbench.cli import main
from outboxbench.core.strategies.registry import strategy_names
from outboxbench.report.charts.catalogue import CATALOGUE

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "[outboxbench.strategies]\n"


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line in this process; return its exit code."""
    monkeypatch.setattr("sys.argv", ["outboxbench", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.fixture
def broken_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that registers a strategy which cannot be imported."""
    information = tmp_path / "broken-0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 0\n")
    (information / "entry_points.txt").write_text(f"{GROUP}broken = no_such_module:BROKEN\n")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_strategies_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "list", "strategies", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == strategy_names()
    assert {"name": "asyncpg", "library": "asyncpg", "driver": "asyncpg"}.items() <= next(
        row for row in rows if row["name"] == "asyncpg"
    ).items()

    assert call(monkeypatch, "list", "strategies") == 0
    table = capsys.readouterr().out
    assert all(name in table for name in strategy_names())


@pytest.mark.usefixtures("broken_package")
def test_a_strategy_that_cannot_be_loaded_is_listed_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "list", "strategies", "--json") == 0

    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert "cannot be loaded" in rows["broken"]["write_plan"]


def test_suites_are_listed_those_of_the_working_folder_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mine = tmp_path / "bench" / "suites" / "mine.toml"
    mine.parent.mkdir(parents=True)
    mine.write_text('name = "mine"\ndescription = "My own."\n[[arms]]\nstrategies = ["asyncpg"]\n')
    (mine.parent / "wrong.toml").write_text("name = 1\n")
    monkeypatch.chdir(tmp_path)

    assert call(monkeypatch, "list", "suites", "--json") == 0

    rows = {row["name"]: row["description"] for row in json.loads(capsys.readouterr().out)}
    assert rows["mine"] == "My own."
    assert "is not valid" in rows["wrong"]
    assert "quick" in rows


def test_charts_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "list", "charts", "--json") == 0

    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(CATALOGUE)
    assert all(row["shows"] and row["needs"] for row in rows)


@pytest.mark.parametrize("command", [[], ["run"], ["report"], ["cost"], ["list"], ["doctor"]])
def test_every_command_has_help(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *command, "--help") == 0

    text = capsys.readouterr().out
    assert text.startswith("Usage: ")
    assert not command or f"Example: outboxbench {command[0]}" in text


def test_the_doctor_finds_what_a_run_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "doctor", "--json") == 0

    findings = {each["topic"]: each for each in json.loads(capsys.readouterr().out)}
    assert findings["PostgreSQL"]["state"] == "ok"
    assert findings["PostgreSQL"]["detail"].startswith("18.")
    assert findings["strategy asyncpg"]["state"] == "ok"
    assert {"cores", "CPU limit", "uvloop", "data folder", "disk"} <= findings.keys()
    assert "one sync of the log takes" in findings["sync of the log"]["detail"]


def test_the_doctor_doubts_a_disk_that_syncs_too_fast(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("outboxbench.cli.doctor.server_fsync_us", lambda _server: 3.0)

    assert call(monkeypatch, "doctor", "--json") == 0

    findings = {each["topic"]: each for each in json.loads(capsys.readouterr().out)}
    assert findings["sync of the log"]["state"] == "warning"
    assert "takes 3 µs, too fast" in findings["sync of the log"]["detail"]


def test_the_doctor_warns_of_cores_that_are_held_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("outboxbench.cli.doctor.cpu_limit_cores", lambda: 0.5)
    monkeypatch.setattr("outboxbench.cli.doctor.cpu_governor", lambda _core: "powersave")

    call(monkeypatch, "doctor", "--pg-bin", "/etc", "--json")

    findings = {each["topic"]: each for each in json.loads(capsys.readouterr().out)}
    assert findings["CPU limit"]["state"] == "warning"
    assert "the time of 0.5 of" in findings["CPU limit"]["detail"]
    assert findings["CPU governor"]["state"] == "warning"
    assert "frequency-set -g performance" in findings["CPU governor"]["detail"]


@pytest.mark.usefixtures("broken_package")
def test_the_doctor_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "doctor", "--pg-bin", "/etc", "--json") == 3

    findings = {each["topic"]: each for each in json.loads(capsys.readouterr().out)}
    assert findings["PostgreSQL"]["state"] == "missing"
    assert "has no executable postgres" in findings["PostgreSQL"]["detail"]
    assert findings["strategy broken"]["state"] == "missing"


def test_the_doctor_speaks_plainly_without_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "doctor", "--pg-bin", "/etc") == 3

    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("missing PostgreSQL: /etc has no executable") for line in lines)


def test_debug_shows_where_an_error_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["outboxbench", "--debug", "run", "nosuch"])

    with pytest.raises(Exception, match="there is no suite 'nosuch'"):
        main()
