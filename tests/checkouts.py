"""A checkout of this package that can be committed to, of a few files that matter."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = ("constraints.txt", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A repository with one commit, `base`."""

    root: Path

    def git(self, *words: str) -> str:
        """Run git in it, as somebody whom no configuration knows."""
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        git = shutil.which("git")
        assert git is not None
        return subprocess.run(
            [git, *identity, "-c", "commit.gpgsign=false", *words],
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a file, which must hold `old` exactly once."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} holds it {text.count(old)} times"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def commit(self, message: str) -> str:
        """Commit everything, and return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD").strip()


def make_checkout(folder: Path) -> Checkout:
    """Return a checkout in a new folder `checkout` of this one."""
    root = folder / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", root / "src", ignore=ignored)
    shutil.copytree(ROOT / "bench/suites", root / "bench/suites", ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, root / name)
    (root / ".gitignore").write_text("__pycache__\n/results\n", encoding="utf-8")
    made = Checkout(root)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit("base")
    made.git("tag", "base")
    return made
