"""The commit is told of a checkout, and of nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CODE = "from outboxbench.results.revision import checkout_revision; print(checkout_revision())"
PACKAGE = Path(__file__).parents[2] / "src" / "outboxbench"


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words],  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def revision_in(source: Path, **variables: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(source), **variables}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def package_in(folder: Path) -> Path:
    """As much of the package as tells of its commit."""
    results = folder / "outboxbench" / "results"
    results.mkdir(parents=True)
    for name in ("__init__.py", "results/__init__.py", "results/revision.py"):
        shutil.copy(PACKAGE / name, folder / "outboxbench" / name)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


def commit(repository: Path) -> str:
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "It begins")
    return git(repository, "rev-parse", "HEAD")[:12]


def test_of_a_checkout_it_is_the_commit_and_whether_files_differ(repository: Path) -> None:
    source = package_in(repository / "src")
    head = commit(repository)

    assert revision_in(source) == head
    (repository / "untracked").touch()
    assert revision_in(source) == head
    (source / "outboxbench" / "__init__.py").write_text("# changed\n")
    assert revision_in(source) == f"{head}+"


def test_what_is_installed_into_a_repository_of_somebody_has_none(repository: Path) -> None:
    source = package_in(repository / ".venv" / "site-packages")
    commit(repository)

    assert revision_in(source) == "None"


def test_without_a_repository_or_without_git_there_is_none(tmp_path: Path) -> None:
    source = package_in(tmp_path / "src")

    assert revision_in(source, GIT_CEILING_DIRECTORIES=str(tmp_path.parent)) == "None"
    assert revision_in(source, PATH=str(tmp_path)) == "None"
