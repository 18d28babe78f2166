"""The JSON Schemas of `run.json` and `cost.json`, for tools in other languages.

`python -m outboxbench.results.schema run > results/run.schema.json` writes one anew, and so it is
for `cost`.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from outboxbench.results.cost import Costs
from outboxbench.results.model import Run

if TYPE_CHECKING:
    from outboxbench.results.document import Document

DOCUMENTS: dict[str, type[Document]] = {"run": Run, "cost": Costs}
"""What has a schema, by the name of its file."""


def schema_of(name: str) -> str:
    """The schema of the documents that this version writes, as indented JSON."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **DOCUMENTS[name].model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_of(sys.argv[1]))
