"""The documents and charts of a checkout as the reference results would have them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from outboxbench.report.readme import decisions, results, speed, thesis
from outboxbench.report.readme.marks import MarksError, filled, has_marks
from outboxbench.report.readme.references import FOLDER, read_references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from outboxbench.report.readme.references import References

CHARTS: Final = "docs/charts"

_PARTS: Final[Mapping[str, Callable[[References, str], str]]] = {
    "speed": speed.part,
    "decisions": decisions.part,
    "thesis": thesis.claims,
    "thesis-chart": thesis.pictures,
    "references": results.listed,
    "answers": results.answered,
}
_CHARTS: Final[Mapping[str, Callable[[References], str | None]]] = {
    speed.CHART: speed.chart,
    thesis.CHART: thesis.chart,
}


def made(root: Path) -> dict[Path, str | None]:
    """Return what has to stand in the files of a checkout; None for one that must not be there.

    Args:
        root: of the checkout.

    Raises:
        RunReadError: a reference is damaged, or was changed.
        MarksError: a document asks for a part that there is not.
    """
    references = read_references(root / FOLDER)
    files: dict[Path, str | None] = dict.fromkeys(sorted((root / CHARTS).glob("*.svg")))
    for name, draw in _CHARTS.items():
        if (drawn := draw(references)) is not None:
            files[root / CHARTS / name] = drawn
    for path in (root / "README.md", *sorted((root / "docs").glob("*.md"))):
        text = path.read_text("utf-8")
        if has_marks(text):
            files[path] = _filled(path, text, references, "" if path.parent == root else "../")
    return files


def changed(root: Path) -> dict[Path, str | None]:
    """Return those of the files that are not as they have to be; raises as `made` does."""
    return {path: text for path, text in made(root).items() if text != _text_of(path)}


def write(files: Mapping[Path, str | None]) -> None:
    """Write files, or remove them; raises OSError."""
    for path, text in files.items():
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")


def _filled(path: Path, text: str, references: References, up: str) -> str:
    parts = {name: partial(part, references, up) for name, part in _PARTS.items()}
    try:
        return filled(text, parts)
    except MarksError as error:
        raise MarksError(f"{path}: {error}") from error


def _text_of(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None
