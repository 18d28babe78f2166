"""Each side runs its own code; a base that cannot is refused in a sentence."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.environments.asking import ask
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.regress.revisions import Repository
from outboxbench.harness.regress.sides import two_sides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.checkouts import Checkout

    from outboxbench.harness.regress.sides import Sides

POLICY = "src/outboxbench/core/application/retry.py"
WHERE = "import json, outboxbench; print(json.dumps(outboxbench.__file__))"


@contextmanager
def sides(checkout: Checkout, *strategies: str) -> Iterator[Sides]:
    repository = Repository.around(checkout.root)
    base = repository.resolve("base")
    with two_sides(repository, base, strategies or ("asyncpg",), lambda _: None) as found:
        yield found


def test_each_side_imports_its_own_code(checkout: Checkout) -> None:
    with sides(checkout) as found:
        head = Path(ask(found.head, WHERE))
        base = Path(ask(found.base, WHERE))

        assert head.is_relative_to(checkout.root)
        assert not base.is_relative_to(checkout.root)
        assert base.exists()
        assert (found.base.is_base, found.head.is_base) == (True, False)
        assert dict(found.base.packages)["asyncpg"] == dict(found.head.packages)["asyncpg"]
    assert not base.exists()


def test_a_strategy_that_only_head_has_is_named(checkout: Checkout) -> None:
    module = checkout.root / "src/outboxbench/core/strategies/psycopg/__init__.py"
    was = module.read_text(encoding="utf-8")
    module.write_text("raise ImportError('not yet')\n", encoding="utf-8")
    checkout.commit("before psycopg")
    checkout.git("tag", "--force", "base")
    module.write_text(was, encoding="utf-8")
    checkout.commit("with psycopg")

    with sides(checkout, "asyncpg", "psycopg") as found:
        assert found.new == ("psycopg",)


def test_a_strategy_that_head_has_broken_is_refused(checkout: Checkout) -> None:
    module = checkout.root / "src/outboxbench/core/strategies/psycopg/__init__.py"
    module.write_text("raise ImportError('broken')\n", encoding="utf-8")
    checkout.commit("breaks psycopg")

    with (
        pytest.raises(CannotRun, match="the strategy psycopg cannot be loaded at head"),
        sides(checkout, "psycopg"),
    ):
        pass


def test_a_base_of_an_older_schema_is_refused(checkout: Checkout) -> None:
    checkout.replace(
        "src/outboxbench/results/model.py", "SCHEMA_VERSION: Final = 2", "SCHEMA_VERSION: Final = 1"
    )
    checkout.replace(
        "src/outboxbench/results/model.py",
        "schema_version: Literal[2]",
        "schema_version: Literal[1]",
    )
    checkout.commit("an older schema")
    checkout.git("tag", "--force", "base")
    checkout.git("revert", "--no-edit", "HEAD")

    with (
        pytest.raises(CannotRun, match="writes results of version 1, and head of version 2"),
        sides(checkout),
    ):
        pass


def test_a_base_whose_workers_understand_other_jobs_is_refused(checkout: Checkout) -> None:
    checkout.replace(
        "src/outboxbench/harness/load/job.py", "    max_attempts: int\n", "    attempts: int\n"
    )
    checkout.commit("other words")
    checkout.git("tag", "--force", "base")
    checkout.git("revert", "--no-edit", "HEAD")

    with (
        pytest.raises(CannotRun, match=r"in other words \(Job\): name a later base"),
        sides(checkout),
    ):
        pass


def test_a_base_that_cannot_be_imported_is_refused_with_its_reason(checkout: Checkout) -> None:
    module = checkout.root / POLICY
    was = module.read_text(encoding="utf-8")
    module.write_text("import nothing_like_this\n", encoding="utf-8")
    checkout.commit("broken")
    checkout.git("tag", "--force", "base")
    module.write_text(was, encoding="utf-8")
    checkout.commit("mended")

    with (
        pytest.raises(CannotRun, match=r"the base base \(.*\) does not run.*nothing_like_this"),
        sides(checkout),
    ):
        pass


@pytest.mark.slow
def test_a_base_whose_lock_cannot_be_installed_is_refused(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nowhere to install from: what pip finds does not depend on who runs this.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock = checkout.root / "constraints.txt"
    was = lock.read_text(encoding="utf-8")
    lock.write_text(f"nothing-like-this==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    checkout.commit("cannot be built")
    checkout.git("tag", "--force", "base")
    lock.write_text(was, encoding="utf-8")
    checkout.commit("can be built")

    with (
        pytest.raises(CannotRun, match=r"the base base cannot be built: .*nothing-like-this"),
        sides(checkout),
    ):
        pass
