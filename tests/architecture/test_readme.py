"""What the README promises to hold."""

import re

from core.settings import Settings
from tests.architecture.sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


def test_every_setting_has_one_line_in_the_table() -> None:
    """The settings table has exactly one row per environment variable that core.settings reads."""
    documented = ROW.findall(README)
    known = [field.alias for field in Settings.model_fields.values()]
    assert sorted(documented) == sorted(str(name) for name in known)


def test_defaults_in_the_table_are_the_defaults() -> None:
    """A row shows the default the code has."""
    for field in Settings.model_fields.values():
        if isinstance(field.default, str | int | float) and not isinstance(field.default, bool):
            row = next(line for line in README.splitlines() if line.startswith(f"| `{field.alias}` |"))
            assert f"`{field.default:g}`" in row if isinstance(field.default, float) else f"`{field.default}`" in row, (
                row
            )


def test_the_first_lines_are_the_ways_to_start() -> None:
    """A reader finds the three commands before anything else."""
    head = README[:900]
    assert (
        head.index("make up")
        < head.index("make test")
        < head.index("pip install 'footplate[embedded]' && footplate up")
    )
