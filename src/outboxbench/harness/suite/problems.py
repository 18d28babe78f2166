"""Turns what pydantic finds wrong with a suite into a sentence that its author can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pydantic import ValidationError

Location: TypeAlias = Sequence[int | str]

# By pydantic's type of error; the braces take what its context says of the limit.
_REQUIREMENTS = {
    "greater_than": "it must be greater than {gt:g}",
    "greater_than_equal": "it must be {ge:g} or more",
    "less_than_equal": "it must be {le:g} or less",
    "finite_number": "it must be a number that is finite",
    "int_type": "it must be a whole number",
    "float_type": "it must be a number",
    "bool_type": "it must be true or false",
    "string_type": "it must be a text",
    "tuple_type": "it must be a list",
    "model_type": "it must be a table",
    "too_short": "it must name one or more",
    "literal_error": "it must be {expected}",
    "string_pattern_mismatch": "it must match {pattern}",
    "value_error": "{error}",
}


def first_problem(
    error: ValidationError,
    allowed_keys: Mapping[str, Iterable[str]],
    options: Mapping[str, str] | None = None,
) -> str:
    """Say what is wrong first: the key, its value, and what is allowed.

    Args:
        error: what pydantic found.
        allowed_keys: by the name of a table, the keys that may stand in it; "" is the suite's own.
        options: by the name of a key, the command line's option that its value came from.
    """
    problem = error.errors(include_url=False)[0]
    location = problem["loc"]
    key = _written(location)
    if problem["type"] == "extra_forbidden":
        table = str(location[0]) if len(location) > 1 else ""
        return f"the key {key} is unknown: allowed are {', '.join(allowed_keys[table])}"
    if problem["type"] == "missing":
        return f"the key {key} is missing"
    requirement = _REQUIREMENTS.get(problem["type"], problem["msg"])
    reason = requirement.format(**problem.get("ctx", {}))
    return f"{(options or {}).get(key, key)} cannot be {problem['input']!r}: {reason}"


def _written(location: Location) -> str:
    steps = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(steps).removeprefix(".")
