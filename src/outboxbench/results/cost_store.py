"""The folder of a cost document, and the document with the chart beside it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.results.folders import make_folder, no_space_in, probe, write_whole

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from outboxbench.results.cost import Costs


@dataclass(frozen=True, slots=True)
class CostFolder:
    """`cost.json`, and what was drawn of it."""

    path: Path

    @classmethod
    def create(cls, parent: Path, started_at: datetime) -> CostFolder:
        """Make `<UTC timestamp>-cost` under `parent`; a full disk is found now.

        Raises RunWriteError.
        """
        folder = cls(make_folder(parent, started_at, "cost"))
        try:
            probe(folder.path)
        except OSError as error:
            folder.remove_if_empty()
            raise no_space_in(parent, error) from error
        return folder

    @property
    def cost_file(self) -> Path:
        """The cost document."""
        return self.path / "cost.json"

    def write(self, costs: Costs) -> None:
        """Write `cost.json`.

        Raises RunWriteError.
        """
        write_whole(self.cost_file, costs.model_dump_json(indent=2) + "\n")

    def remove_if_empty(self) -> None:
        """Remove the folder unless a file was left in it."""
        with contextlib.suppress(OSError):
            self.path.rmdir()
