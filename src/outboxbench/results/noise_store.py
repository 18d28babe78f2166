"""The file that a calibration leaves, and that later runs on the machine read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from outboxbench.results.folders import RunReadError, RunWriteError, write_whole
from outboxbench.results.noise import Noise

NOISE_FILE: Final = Path("results/noise.json")


def write_noise(path: Path, noise: Noise) -> None:
    """Write what a calibration found, over what an earlier one did.

    Raises RunWriteError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunWriteError(
            f"cannot make the folder {path.parent} ({error.strerror}): name another file with "
            "--noise"
        ) from error
    write_whole(path, noise.model_dump_json(indent=2) + "\n")


def read_noise(path: Path) -> Noise | None:
    """Read what a calibration found; None where there was none.

    Raises RunReadError when there is something else.
    """
    try:
        return Noise.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunReadError(f"cannot read {path} ({error.strerror})") from error
    except ValidationError as error:
        raise RunReadError(
            f"{path} is damaged, or of another version: remove it, and run `outboxbench calibrate`"
        ) from error
