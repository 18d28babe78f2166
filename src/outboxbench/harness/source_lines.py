"""How much code a strategy is, counted alike for everybody's.

What counts is the code that exists because of this strategy, as somebody would have to write and
keep it who wanted a service of their own on the same library:

- The modules that define what `Strategy.open` names, and every module that these import, directly
  or through others, whether at the top or inside a function; each once. Those that are of the
  strategy's own distribution count, and those below `outboxbench.core.strategies`. So statements
  that all raw drivers share count for each of them in full: without them none of these would run.
- Not what the library itself consists of, and not the port that is implemented.
- Not `SHARED`: what strategies of different libraries use alike. Neither do imports for the type
  checker alone, nor a package's `__init__` that nobody imports from.
- Of these modules every line that holds code: none that is blank, a comment or a docstring. SQL in
  a string is code, whoever would rather have written it in Python or the other way round.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import tokenize
from functools import lru_cache, partial
from importlib.abc import InspectLoader
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.registry import Strategy

STRATEGIES: Final = "outboxbench.core.strategies"
SHARED: Final = tuple(
    f"{STRATEGIES}.{name}"
    for name in (
        # The plan of a strategy, the form of rows, what a server's answer means.
        *("registry", "settings", "rows", "operations", "server_report"),
        # Connecting with a driver, by itself or below SQLAlchemy, and what its errors mean.
        *("asyncpg_connection", "asyncpg_report", "psycopg_connection", "psycopg_report"),
        # A limit on waiting that no library has, added to each in its own way.
        *("asyncpg_watched", "psycopg_watched", "sqlalchemy_watched"),
        # What relays run is the same SQL for all.
        "relay_plans",
    )
)
"""Modules, and packages with all that is in them."""

_NO_CODE: Final = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
)


def source_lines(strategy: Strategy) -> int | None:
    """Count a strategy's lines of code; None where the source of some is not to be had."""
    waiting = sorted(set(_modules_of(strategy.open)))
    own = {_distribution(name) for name in waiting}
    seen: set[str] = set()
    total = 0
    while waiting:
        name = waiting.pop()
        if name in seen or not _counts(name, own):
            continue
        seen.add(name)
        module = _read(name)
        if module is None:
            return None
        total += module.lines
        waiting += [_imported(each) for each in module.imports if _counts(each.source, own)]
    return total


class _Import(NamedTuple):
    """`import source`, or `from source import name`."""

    source: str
    name: str | None = None


class _Module(NamedTuple):
    lines: int
    imports: tuple[_Import, ...]


def _modules_of(opens: object) -> Iterator[str]:
    """Name the modules of a callable, of what it is partial to, and of what it is given."""
    if isinstance(opens, partial):
        for part in (opens.func, *opens.args, *opens.keywords.values()):
            yield from _modules_of(part)
    elif callable(opens):
        yield opens.__module__


def _distribution(name: str) -> str:
    """The package that all of somebody's modules are in; of ours, the one of the strategies."""
    top = name.partition(".")[0]
    return STRATEGIES if top == STRATEGIES.partition(".")[0] else top


def _counts(name: str, own: set[str]) -> bool:
    return any(_is_in(name, package) for package in {*own, STRATEGIES}) and not any(
        _is_in(name, shared) for shared in SHARED
    )


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@lru_cache(maxsize=256)
def _read(name: str) -> _Module | None:
    spec = importlib.util.find_spec(name)
    source = (
        spec.loader.get_source(name) if spec and isinstance(spec.loader, InspectLoader) else None
    )
    if spec is None or source is None:
        return None
    tree = ast.parse(source)
    package = name if spec.submodule_search_locations is not None else spec.parent
    imports = _Imports(package or "")
    imports.visit(tree)
    return _Module(code_lines(source), tuple(imports.found))


def code_lines(source: str) -> int:
    """Count the lines of a module that hold code."""
    text = {number for number, line in enumerate(source.splitlines(), 1) if line.strip()}
    code = {
        number
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in _NO_CODE
        for number in range(token.start[0], token.end[0] + 1)
    }
    documentation = {
        number
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return len((text & code) - documentation)


class _Imports(ast.NodeVisitor):
    """Collects the modules that are imported when the code runs."""

    def __init__(self, package: str) -> None:
        self._package = package
        self.found: list[_Import] = []

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" in ast.unparse(node.test):
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.found += [_Import(alias.name) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        relative = "." * node.level + (node.module or "")
        source = importlib.util.resolve_name(relative, self._package)
        self.found += [_Import(source, alias.name) for alias in node.names]


def _imported(each: _Import) -> str:
    """The module that an import runs: what is imported from a package may be one itself."""
    inner = f"{each.source}.{each.name}"
    return inner if each.name and _is_module(inner) else each.source


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
