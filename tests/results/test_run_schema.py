from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from outboxbench.results.block import Counters, OutcomeCounts
from outboxbench.results.schema import DOCUMENTS, schema_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.results.model import Run

RESULTS = Path(__file__).parents[2] / "results"
SCHEMA_FILE = RESULTS / "run.schema.json"


def validate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = (sys.executable, "-m", "check_jsonschema", *arguments)
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_exported_schema_is_current(name: str) -> None:
    exported = (RESULTS / f"{name}.schema.json").read_text(encoding="utf-8")

    assert exported == schema_of(name), (
        f"write it anew: python -m outboxbench.results.schema {name} > results/{name}.schema.json"
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documented_command_prints_the_schema(name: str) -> None:
    command = (sys.executable, "-m", "outboxbench.results.schema", name)
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert printed == schema_of(name)


def test_a_run_document_follows_the_exported_schema(tmp_path: Path, run: Run) -> None:
    document = tmp_path / "run.json"
    document.write_text(run.model_dump_json())

    result = validate("--schemafile", str(SCHEMA_FILE), str(document))

    assert result.returncode == 0, result.stdout


def test_the_exported_schema_refuses_what_is_no_run(tmp_path: Path, run: Run) -> None:
    document = tmp_path / "run.json"
    document.write_text(run.model_copy(update={"verdict": "fine"}).model_dump_json(warnings=False))

    assert validate("--schemafile", str(SCHEMA_FILE), str(document)).returncode == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_a_figure_that_is_no_figure_is_refused(value: float) -> None:
    with pytest.raises(ValidationError):
        Counters(client_cpu_us_per_op=value)


def test_outcomes_add_up_by_kind() -> None:
    first = OutcomeCounts(ok=5, ok_recovered=4, failed=3, indeterminate=2, skipped=1)
    second = OutcomeCounts(ok=10, skipped=20)

    total = first + second

    assert total == OutcomeCounts(ok=15, ok_recovered=4, failed=3, indeterminate=2, skipped=21)
    assert (total.good, total.attempted) == (19, 45)
