from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.costs import command, costs

from outboxbench.results.cost_baseline import baseline_of, read_baseline, write_baseline
from outboxbench.results.folders import RunReadError, RunWriteError

if TYPE_CHECKING:
    from pathlib import Path

BASELINE = baseline_of(
    costs(command(), command("asyncpg"), command(workload="place"), command(profile="idiomatic"))
)


def test_a_baseline_comes_back_as_it_went(tmp_path: Path) -> None:
    write_baseline(tmp_path / "baseline.json", BASELINE)

    assert read_baseline(tmp_path / "baseline.json") == BASELINE
    assert [path.name for path in tmp_path.iterdir()] == ["baseline.json"]


def test_a_command_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, BASELINE)

    lines = [line for line in path.read_text().splitlines() if "round_trips" in line]

    assert len(lines) == 4
    assert lines[0].strip().startswith('"psycopg-single": {"round_trips": 2, "statements": 2,')


def test_a_baseline_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RunReadError, match=r"No such file .*write one with .*--save-baseline"):
        read_baseline(tmp_path / "none.json")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema_version": 2}', "\xff"])
def test_what_is_no_baseline_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(RunReadError, match=r"baseline\.json is no baseline of version 1"):
        read_baseline(path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunWriteError, match=r"cannot write .*baseline\.json"):
        write_baseline(tmp_path / "none" / "baseline.json", BASELINE)
