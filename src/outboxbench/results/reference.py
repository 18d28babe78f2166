"""A reference: a run that was reduced until it is small enough to be committed.

Its document is the very file that the run wrote, packed, so that the run's own checksum still
proves it. The histogram logs of an arm are merged into one, other files are left out, and
`reference.json` says which.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, ValidationError

from outboxbench.results.document import Document
from outboxbench.results.folders import RunReadError

if TYPE_CHECKING:
    from pathlib import Path

REFERENCE_FILE: Final = "reference.json"
PACKED_RUN_FILE: Final = "run.json.gz"


class KeptLog(Document):
    """The histogram log of an arm: what all its blocks had recorded, a histogram for each tag."""

    arm: str
    path: str = Field(description="in the folder of the reference")
    sha256: str = Field(description="of that file")


class Reference(Document):
    """What became of a run that was reduced to a reference."""

    schema_version: Literal[1] = 1
    run_sha256: str = Field(description="of the run document, as that itself has it")
    left_out: tuple[str, ...] = Field(description="what the folder of the run had beside it")
    histograms: tuple[KeptLog, ...]

    def log_of(self, arm: str) -> KeptLog | None:
        """Return the log of an arm by its name; None where the run had none of it."""
        return next((log for log in self.histograms if log.arm == arm), None)


def read_reference(folder: Path) -> Reference | None:
    """Return what a folder says of itself as a reference; None where it is none.

    Raises RunReadError.
    """
    path = folder / REFERENCE_FILE
    try:
        return Reference.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunReadError(f"cannot read {path} ({error.strerror})") from error
    except ValidationError as error:
        raise RunReadError(
            f"{path} is damaged, or of another version: make the reference anew"
        ) from error


def document_text(path: Path) -> str:
    """Return the text of a run document, packed or not.

    Raises OSError where it cannot be read, ValueError where it is damaged.
    """
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"it cannot be unpacked: {error}") from error
    return content.decode("utf-8")
