"""The JSON Schema of `run.json`, for tools in other languages.

`python -m outboxbench.results.schema > results/run.schema.json` writes it anew.
"""

from __future__ import annotations

import json
import sys

from outboxbench.results.model import Run


def run_schema() -> str:
    """The schema of the documents that this version writes, as indented JSON."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Run.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(run_schema())
