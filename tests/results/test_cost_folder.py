from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.costs import MOMENT, command, costs

from outboxbench.results.cost import Costs
from outboxbench.results.cost_store import CostFolder
from outboxbench.results.folders import RunWriteError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_document_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = CostFolder.create(tmp_path / "costs", MOMENT)
    document = costs(command())

    folder.write(document)

    assert folder.path.name == "20260301T120000Z-cost"
    assert Costs.model_validate_json(folder.cost_file.read_text()) == document


def test_a_folder_is_never_shared(tmp_path: Path) -> None:
    first, second = (CostFolder.create(tmp_path, MOMENT) for _ in range(2))

    assert first.path != second.path


def test_what_never_began_leaves_nothing(tmp_path: Path) -> None:
    CostFolder.create(tmp_path, MOMENT).remove_if_empty()

    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "costs").touch()

    with pytest.raises(RunWriteError, match="choose a folder that can be written with --out"):
        CostFolder.create(tmp_path / "costs", MOMENT)
