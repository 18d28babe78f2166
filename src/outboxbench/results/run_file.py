"""The run document, `run.json`: written with its checksum, and read only as it was written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from outboxbench.results.folders import RunReadError, write_whole
from outboxbench.results.model import SCHEMA_VERSION, Run
from outboxbench.results.reference import PACKED_RUN_FILE, document_text
from outboxbench.results.unchanged import sha256_of_bytes

if TYPE_CHECKING:
    from pathlib import Path

RUN_FILE: Final = "run.json"


def write_run(path: Path, run: Run) -> Run:
    """Write a run, replacing an earlier one in one step.

    Returns the run with its checksum. Raises RunWriteError; the earlier file is then untouched.
    """
    signed = run.model_copy(update={"sha256": _checksum(run)})
    write_whole(path, signed.model_dump_json(indent=2) + "\n")
    return signed


def read_run(path: Path) -> Run:
    """Read the run of a folder, or of its `run.json`, which in a reference is packed.

    Raises RunReadError when it is missing, damaged, or of another schema version.
    """
    run_file = run_file_of(path)
    try:
        text = document_text(run_file)
        document = json.loads(text)
    except OSError as error:
        raise RunReadError(
            f"cannot read {run_file} ({error.strerror}): name a folder that a run has left"
        ) from error
    except ValueError as error:
        raise RunReadError(f"{run_file} is damaged, or no run document: {error}") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise RunReadError(
            f"{run_file} has schema version {version}, this outboxbench reads {SCHEMA_VERSION}:"
            " use the version that wrote it"
        )
    try:
        run = Run.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RunReadError(f"{run_file} is damaged: {place}: {first['msg']}") from error
    if run.sha256 != _checksum(run, exclude_unset=True):
        raise RunReadError(f"{run_file} was changed after the run: its figures cannot be used")
    return run


def run_file_of(path: Path) -> Path:
    """Return the document of a run's folder, packed in a reference, or the file that is named."""
    if not path.is_dir():
        return path
    packed = path / PACKED_RUN_FILE
    return packed if packed.exists() else path / RUN_FILE


def _checksum(run: Run, *, exclude_unset: bool = False) -> str:
    """Digest a run without its own digest; of one that was read, what its file says alone.

    A file that was written before a field came to be has nothing to say of it.
    """
    unsigned = run.model_copy(update={"sha256": None})
    return sha256_of_bytes(unsigned.model_dump_json(exclude_unset=exclude_unset).encode())
