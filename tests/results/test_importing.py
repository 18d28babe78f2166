"""Runs that older versions wrote are read as far as they tell what a run must tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from outboxbench.results.folders import RunReadError
from outboxbench.results.importing import import_run
from outboxbench.results.run_file import read_run, write_run

if TYPE_CHECKING:
    from outboxbench.results.model import Run

OLD_RUN = Path(__file__).with_name("schema_1_run.json")
"""As outboxbench wrote it when the schema had version 1."""
REFERENCES = Path(__file__).parents[2] / "results" / "reference"


def old_document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(OLD_RUN.read_text())
    return document


def test_a_run_of_the_first_schema_version_says_what_it_said_then() -> None:
    document, run = old_document(), import_run(OLD_RUN)

    assert (run.schema_version, document["schema_version"]) == (2, 1)
    kept = run.model_dump(mode="json", exclude_unset=True)
    assert {key: kept[key] for key in document if key != "schema_version"} == {
        key: value for key, value in document.items() if key != "schema_version"
    }


def test_what_it_did_not_tell_is_not_made_up() -> None:
    run = import_run(OLD_RUN)

    assert (run.warm_up_s, run.reference, run.sha256) == (None, None, None)
    assert run.environment.fsync_us is None
    assert all(arm.offered_per_s is None for arm in run.arms)


def test_only_what_takes_old_runs_takes_them() -> None:
    with pytest.raises(RunReadError, match="has schema version 1, this outboxbench reads 2"):
        read_run(OLD_RUN)


def test_an_old_run_that_tells_too_little_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    document = old_document()
    del document["server"]
    path.write_text(json.dumps(document))

    with pytest.raises(RunReadError) as refused:
        import_run(path)

    assert str(refused.value) == (
        f"{path} cannot be taken over from schema version 1 (server: Field required): measure"
        " anew, or use the version that wrote it"
    )


@pytest.mark.parametrize("version", [0, 3, None, "1", True, [1]])
def test_versions_that_never_were_are_refused_as_ever(version: object, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**old_document(), "schema_version": version}))

    with pytest.raises(RunReadError, match=r"schema version .*, this outboxbench reads 2"):
        import_run(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_damaged_run_and_a_missing_one_are_told_as_ever(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(RunReadError, match="name a folder that a run has left"):
        import_run(tmp_path)
    path.write_bytes(content)
    with pytest.raises(RunReadError, match="is damaged, or no run document"):
        import_run(tmp_path)


def test_todays_runs_are_read_strictly(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "run.json"
    written = write_run(path, run)
    assert import_run(tmp_path) == written

    path.write_text(path.read_text().replace('"seed": 1', '"seed": 2'))
    with pytest.raises(RunReadError, match="was changed after the run"):
        import_run(tmp_path)


def test_committed_references_are_read() -> None:
    for folder in REFERENCES.iterdir():
        assert import_run(folder) == read_run(folder)
