"""Environments are built once, by whoever asks first, and are whole or not there."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from tests.waiting import until

from outboxbench.harness.environments.building import (
    COMPLETE,
    build_environment,
    build_from_lock,
)
from outboxbench.harness.environments.cache import cache_folder
from outboxbench.harness.errors import BadInput, CannotRun

PATIENCE_S = 120.0


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and a pip that asks no index."""
    monkeypatch.setenv("OUTBOXBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path / "cache" / "environments"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package that pip installs without an index."""
    path = tmp_path / "answer_of_ours-1.0-py3-none-any.whl"
    records = {
        "answer_of_ours.py": "ANSWER = 42\n",
        "answer_of_ours-1.0.dist-info/METADATA": (
            "Metadata-Version: 2.1\nName: answer-of-ours\nVersion: 1.0\n"
        ),
        "answer_of_ours-1.0.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        "answer_of_ours-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, content in records.items():
            file.writestr(name, content)
    return path


def answer_of(python: Path) -> str:
    done = subprocess.run(
        [python, "-c", "import answer_of_ours; print(answer_of_ours.ANSWER)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or done.stderr


def folders_in(cache: Path) -> list[Path]:
    return [path for path in cache.iterdir() if path.is_dir()] if cache.exists() else []


def test_what_was_asked_for_is_installed_once_and_found_again(wheel: Path, cache: Path) -> None:
    told: list[str] = []

    first = build_environment(["answer-of-ours==1.0"], observe=told.append)
    wheel.unlink()
    # Another order of words is the same requirement.
    second = build_environment(["answer-of-ours == 1.0"] * 2, observe=told.append)

    assert answer_of(first) == "42"
    assert second == first
    assert told == ["building an environment of answer-of-ours==1.0, once"]
    assert len(folders_in(cache)) == 1


def test_a_file_with_hashes_is_another_environment_with_every_content(
    wheel: Path, cache: Path, tmp_path: Path
) -> None:
    lock = tmp_path / "lock.txt"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock.write_text(f"answer-of-ours==1.0 --hash=sha256:{digest}\n")
    python = build_from_lock(lock, observe=lambda _: None)

    lock.write_text(f"answer-of-ours==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(CannotRun, match=r"an environment of what .*lock\.txt pins \("):
        build_from_lock(lock, observe=lambda _: None)

    assert answer_of(python) == "42"
    assert folders_in(cache) == [python.parents[1]]


def test_what_cannot_be_built_is_told_with_the_reason_of_pip_and_leaves_nothing(
    cache: Path,
) -> None:
    with pytest.raises(CannotRun) as refused:
        build_environment(["there-is-no-such-package==9"], observe=lambda _: None)

    assert str(refused.value) == (
        "cannot build an environment of there-is-no-such-package==9 (No matching distribution"
        " found for there-is-no-such-package==9): see that pip reaches a package index, or set"
        " OUTBOXBENCH_CACHE to a folder where it was built before"
    )
    assert folders_in(cache) == []


@pytest.mark.parametrize(
    "text", ["-r /etc/passwd", " --index-url=http://a", "a b", "", "asyncpg==;rm -rf"]
)
def test_what_is_no_requirement_never_reaches_pip(text: str, cache: Path) -> None:
    with pytest.raises(BadInput, match="is no requirement"):
        build_environment([text], observe=pytest.fail)

    assert folders_in(cache) == []


def test_no_requirements_no_lock_and_no_interpreter_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="name some requirements"):
        build_environment([], observe=pytest.fail)
    with pytest.raises(BadInput, match=r"cannot read .*none\.txt"):
        build_from_lock(tmp_path / "none.txt", observe=pytest.fail)
    for python in (tmp_path / "none", Path("/bin/true"), Path("/bin/false")):
        with pytest.raises(BadInput, match="is no Python interpreter"):
            build_environment(["a"], python=python, observe=pytest.fail)


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("OUTBOXBENCH_CACHE", str(tmp_path / "file"))

    with pytest.raises(CannotRun, match=r"cannot build .*\(Not a directory\): set OUTBOXBENCH"):
        build_environment(["a"], observe=lambda _: None)


BUILD = """
    import sys
    from outboxbench.harness.environments.building import build_environment

    def observe(text):
        print(text, flush=True)

    print(build_environment(["answer-of-ours==1.0"], observe=observe), flush=True)
"""


def builder() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(BUILD)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.usefixtures("wheel")
def test_two_processes_that_want_the_same_get_the_same_whole_one() -> None:
    both = [builder(), builder()]
    outputs = [each.communicate(timeout=PATIENCE_S)[0].splitlines() for each in both]

    assert outputs[0][-1] == outputs[1][-1]
    assert answer_of(Path(outputs[0][-1])) == "42"
    told = [line for lines in outputs for line in lines[:-1]]
    assert told.count("building an environment of answer-of-ours==1.0, once") == 1


@pytest.mark.usefixtures("wheel")
async def test_a_build_that_was_killed_is_not_taken_for_whole(cache: Path) -> None:
    with builder() as killed:
        await until(lambda: any((each / "bin" / "python").exists() for each in folders_in(cache)))
        os.kill(killed.pid, signal.SIGKILL)
    assert not any((each / COMPLETE).exists() for each in folders_in(cache))

    python = build_environment(["answer-of-ours==1.0"], observe=lambda _: None)

    assert answer_of(python) == "42"


def test_the_cache_is_where_the_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOXBENCH_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    monkeypatch.setenv("HOME", "/c")
    assert cache_folder() == Path("/a")
    monkeypatch.delenv("OUTBOXBENCH_CACHE")
    assert cache_folder() == Path("/b/outboxbench")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == Path("/c/.cache/outboxbench")
