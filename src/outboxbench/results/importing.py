"""Reads runs that an older version has written, as far as today's document can say what they say.

What such a document did not tell is null, or the default where that is what was so. Its histograms
carry no checksums, so only the document is taken from it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from outboxbench.results.folders import RunReadError
from outboxbench.results.model import SCHEMA_VERSION, Run
from outboxbench.results.reference import document_text
from outboxbench.results.run_file import read_run, run_file_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def import_run(path: Path) -> Run:
    """Read the run of a folder, or of its `run.json`, of this schema version or an older one.

    An older one has no checksum that would show whether it was changed since.

    Raises RunReadError when it is missing, damaged, of a newer version, or tells less than a
    run must.
    """
    run_file = run_file_of(path)
    try:
        document = json.loads(document_text(run_file))
    except (OSError, ValueError):
        document = None
    version = document.get("schema_version") if isinstance(document, dict) else None
    # True counts as 1 where it is looked up.
    convert = _CONVERSIONS.get(version) if type(version) is int else None
    if convert is None:
        # Which tells what is wrong, if something is.
        return read_run(path)
    try:
        # By way of JSON, as what is read strictly from it is otherwise read loosely.
        return Run.model_validate_json(json.dumps(convert(document)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RunReadError(
            f"{run_file} cannot be taken over from schema version {version} ({place}:"
            f" {first['msg']}): measure anew, or use the version that wrote it"
        ) from error


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    """There were closed loops alone, and nothing of what came later: its keys kept their meaning.

    Every block was warmed up, and for how long was not written down.
    """
    return {**document, "schema_version": SCHEMA_VERSION, "warm_up_s": None}


_CONVERSIONS: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: _from_1}
