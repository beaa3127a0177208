"""Small by rule."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import PACKAGES, Source, product, sources

MAX_FUNCTION = 50
MAX_MODULE = 400
MAX_PACKAGE_DOCSTRING = 25
# Lines a named exception may have. The list can only shrink: an entry that is no longer needed fails the test.
EXCEPTIONS: dict[str, int] = {}
# Tools taken over whole; they measure, they do not ship.
NOT_OURS = {"tests/bench/load.py", "tests/bench/mock_anthropic.py"}
FORBIDDEN = {"utils", "util", "common", "helpers", "helper", "manager", "managers", "misc"}

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def _checked() -> list[Source]:
    return [source for source in (*product(), *sources("tests")) if source.path not in NOT_OURS]


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, FunctionNode]]:
    for child in ast.iter_child_nodes(node):
        name = f"{prefix}{'.' if '::' in prefix else '::'}{getattr(child, 'name', '')}"
        if isinstance(child, FunctionNode):
            yield name, child
        is_scope = isinstance(child, FunctionNode | ast.ClassDef)
        yield from _functions(child, name if is_scope else prefix)


def _sizes() -> Iterator[tuple[str, int, int]]:
    for source in _checked():
        yield source.path, source.text.count("\n"), MAX_MODULE
        for name, node in _functions(source.tree, source.path):
            yield name, (node.end_lineno or node.lineno) - node.lineno + 1, MAX_FUNCTION


def test_functions_and_modules_are_small() -> None:
    """A function has at most 50 lines, a module at most 400; exceptions are named and may not grow."""
    too_long = {name: f"{size} lines" for name, size, limit in _sizes() if size > EXCEPTIONS.get(name, limit)}
    assert too_long == {}


def test_exceptions_only_shrink() -> None:
    """An exception that is no longer one is removed, and one that shrank is lowered."""
    sizes = {name: (size, limit) for name, size, limit in _sizes()}
    stale = {name for name, allowed in EXCEPTIONS.items() if name not in sizes or sizes[name][0] != allowed}
    needless = {name for name in EXCEPTIONS if name in sizes and sizes[name][0] <= sizes[name][1]}
    assert stale | needless == set()


def test_package_docstrings_are_the_architecture() -> None:
    """Each package says what it is in at most 25 lines."""
    lengths = {}
    for package in PACKAGES:
        tree = next(source.tree for source in sources(package) if source.path == f"{package}/__init__.py")
        lengths[package] = len((ast.get_docstring(tree) or "").splitlines())
    assert {package for package, length in lengths.items() if not 0 < length <= MAX_PACKAGE_DOCSTRING} == set()


def test_modules_are_named_after_domain_nouns() -> None:
    """No module or folder is called utils, common, helpers or manager: then its noun is missing."""
    offenders = [s.path for s in _checked() if FORBIDDEN & set(s.path.removesuffix(".py").split("/"))]
    assert offenders == []
