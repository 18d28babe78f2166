"""Turns what pydantic finds wrong with a suite into a sentence that its author can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

Location: TypeAlias = Sequence[int | str]

# By pydantic's type of error; the braces take what its context says of the limit.
_REQUIREMENTS = {
    "greater_than": "it must be greater than {gt:.10g}",
    "greater_than_equal": "it must be {ge:.10g} or more",
    "less_than_equal": "it must be {le:.10g} or less",
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
_MUST = "it must be "
# Where a value may be of one of several types, pydantic tells of each, under the name of the type.
_TYPES = frozenset({"bool", "float", "int", "str"})


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
    problems = error.errors(include_url=False)
    problem = problems[0]
    location = problem["loc"]
    key = _key_of(problem)
    if not location:
        return _reason(problem)
    if problem["type"] == "extra_forbidden":
        table = str(location[0]) if len(location) > 1 else ""
        return f"the key {key} is unknown: allowed are {', '.join(allowed_keys[table])}"
    if problem["type"] == "missing":
        return f"the key {key} is missing"
    first, *others = dict.fromkeys(_reason(each) for each in problems if _key_of(each) == key)
    reason = " or ".join([first, *(each.removeprefix(_MUST) for each in others)])
    return f"{(options or {}).get(key, key)} cannot be {problem['input']!r}: {reason}"


def _key_of(problem: ErrorDetails) -> str:
    location = problem["loc"]
    is_one_of_several = problem["type"].endswith("_type") and location[-1] in _TYPES
    return _written(location[:-1] if is_one_of_several else location)


def _reason(problem: ErrorDetails) -> str:
    requirement = _REQUIREMENTS.get(problem["type"], problem["msg"])
    return requirement.format(**problem.get("ctx", {}))


def _written(location: Location) -> str:
    steps = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(steps).removeprefix(".")
