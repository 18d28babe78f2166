from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from outboxbench.results.model import Counters, OutcomeCounts, Run
from outboxbench.results.schema import run_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA_FILE = Path(__file__).parents[2] / "results" / "run.schema.json"


def validate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = (sys.executable, "-m", "check_jsonschema", *arguments)
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_exported_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == run_schema(), (
        "write it anew: python -m outboxbench.results.schema > results/run.schema.json"
    )


def test_the_documented_command_prints_the_schema() -> None:
    command = (sys.executable, "-m", "outboxbench.results.schema")
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert printed == run_schema()


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
