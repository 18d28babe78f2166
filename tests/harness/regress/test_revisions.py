"""A checkout is read, and nothing of it is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.environments.cache import cache_folder
from outboxbench.harness.errors import BadInput, CannotRun
from outboxbench.harness.regress.revisions import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.checkouts import Checkout


def state(root: Path) -> dict[Path, int]:
    """Every file of a checkout with the time of its last change, those of git included."""
    return {path: path.stat().st_mtime_ns for path in root.rglob("*")}


def test_the_files_of_a_revision_are_there_for_a_while_and_the_checkout_stays_as_it_is(
    checkout: Checkout,
) -> None:
    checkout.replace("pyproject.toml", 'name = "outboxbench"', 'name = "renamed"')
    checkout.commit("another name")
    before = state(checkout.root)
    repository = Repository.around(checkout.root / "src")

    with repository.exported(repository.resolve("base")) as tree:
        assert 'name = "outboxbench"' in (tree / "pyproject.toml").read_text()
        assert tree.is_relative_to(cache_folder())
    repository.require_clean()

    assert not tree.exists()
    assert state(checkout.root) == before
    assert checkout.git("worktree", "list").count("\n") == 1


def test_the_files_are_gone_though_their_user_failed(checkout: Checkout) -> None:
    repository = Repository.around(checkout.root)
    with (
        pytest.raises(ZeroDivisionError),
        repository.exported(repository.resolve("base")) as tree,
    ):
        raise ZeroDivisionError

    assert not tree.exists()


def test_a_changed_file_is_refused_by_its_name_and_an_unknown_one_is_not(
    checkout: Checkout,
) -> None:
    repository = Repository.around(checkout.root)
    (checkout.root / "notes.txt").write_text("mine", encoding="utf-8")
    repository.require_clean()

    checkout.replace("pyproject.toml", 'name = "outboxbench"', 'name = "renamed"')
    with pytest.raises(BadInput, match=r"no commit holds \(pyproject.toml\): commit or stash"):
        repository.require_clean()


@pytest.mark.parametrize("name", ["nowhere", "--all", "", "base..main"])
def test_a_name_that_stands_for_no_commit_is_refused(checkout: Checkout, name: str) -> None:
    with pytest.raises(BadInput, match="there is no revision"):
        Repository.around(checkout.root).resolve(name)


def test_a_folder_outside_every_checkout_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    with pytest.raises(BadInput, match="is no checkout of git"):
        Repository.around(tmp_path)


def test_a_machine_without_git_is_told_to_install_it(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(CannotRun, match="git, which is not installed here"):
        Repository.around(checkout.root)


def test_a_history_that_lacks_a_file_is_told_of_and_leaves_no_folder(checkout: Checkout) -> None:
    blob = checkout.git("rev-parse", "HEAD:pyproject.toml").strip()
    (checkout.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    repository = Repository.around(checkout.root)

    with (
        pytest.raises(CannotRun, match=rf"git cannot export base \(.*{blob}.*\): see `git fsck`"),
        repository.exported(repository.resolve("base")),
    ):
        pytest.fail("there is nothing to export")

    assert not any((cache_folder() / "trees").iterdir())
