"""A folder that lends this package, and every strategy's, to another environment.

An environment of other versions holds what these packages stand on and not the packages themselves,
so that its workers run the very code that the harness has. Whole folders of installed packages
cannot be lent: they would hide the other versions.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from outboxbench.core.strategies.registry import ENTRY_POINT_GROUP
from outboxbench.harness.environments.cache import CACHE_VARIABLE, cache_folder
from outboxbench.harness.errors import CannotRun

_DIGITS: Final = 16


def lent_modules() -> Path:
    """Return a folder of links to the packages of all strategies, and to what registers them.

    Raises:
        CannotRun: it cannot be made.
    """
    links = _links()
    digest = hashlib.sha256("\0".join(map(str, sorted(links.values()))).encode()).hexdigest()
    folder = cache_folder() / "modules" / digest[:_DIGITS]
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            for name, target in links.items():
                (made / name).symlink_to(target)
            made.rename(folder)
        except OSError:
            shutil.rmtree(made, ignore_errors=True)
            # Another process was faster.
            if not folder.is_dir():
                raise
    except OSError as error:
        raise CannotRun(
            f"cannot write in {folder.parent} ({error.strerror}): set {CACHE_VARIABLE} to a folder "
            "with room that can be written"
        ) from error
    return folder


def _links() -> dict[str, Path]:
    """Return what the folder has to hold, by the name that it has there."""
    links: dict[str, Path] = {}
    for distribution in distributions():
        registered = [each for each in distribution.entry_points if each.group == ENTRY_POINT_GROUP]
        for entry in registered:
            package = entry.module.partition(".")[0]
            if (place := _place_of(package)) is not None:
                links[place.name] = place
        if registered and (metadata := _metadata_of(distribution)) is not None:
            links[metadata.name] = metadata
    return links


def _place_of(package: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin


def _metadata_of(distribution: Distribution) -> Path | None:
    # No other way leads from a distribution to the folder that describes it.
    file = distribution.locate_file("")
    for path in Path(str(file)).glob("*.dist-info"):
        if Distribution.at(path).metadata["Name"] == distribution.metadata["Name"]:
            return path
    return None
