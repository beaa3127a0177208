"""The source files and what each imports, read from their syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "sql", "proxy", "dashboard", "deploy")


@dataclass(frozen=True, slots=True)
class Source:
    """One module: its path under the root, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The top folder: core, sql, proxy, dashboard, deploy or tests."""
        return self.path.split("/", 1)[0]

    def imports(self) -> Iterator[str]:
        """Dotted names of everything imported, also inside functions and under TYPE_CHECKING."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                yield "." * node.level + base
                yield from (f"{base}.{alias.name}" for alias in node.names if base and not node.level)


@cache
def sources(folder: str) -> tuple[Source, ...]:
    """Every Python file below a folder of the repository."""
    paths = sorted(path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)
    return tuple(
        Source(path.relative_to(ROOT).as_posix(), text := path.read_text(encoding="utf-8"), ast.parse(text))
        for path in paths
    )


def product() -> tuple[Source, ...]:
    """Every module that ships."""
    return tuple(source for package in PACKAGES for source in sources(package))
