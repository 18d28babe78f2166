"""Templates of the report, and what lets a page run its own script and style and nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Mapping


def rendered(template: str, values: Mapping[str, object]) -> str:
    """Return a page as text that needs no other file; names in `values` are text, never markup."""
    templates = _templates()
    style, script = (_source(templates, name) for name in ("report.css", "report.js"))
    return templates.get_template(template).render(
        **values,
        style=style,
        script=script,
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("outboxbench.report.html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def _source(templates: Environment, name: str) -> str:
    """A file that stands in the page as it is: it is ours, and holds nothing of a run."""
    assert templates.loader is not None
    return templates.loader.get_source(templates, name)[0]


def _hash(source: str) -> str:
    """What a content security policy allows this text by, and no other."""
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
