"""What the pages are made of, looked at as text: no inline code, few htmx attributes, one place that trusts markup."""

import gzip
import re
from pathlib import Path

import pytest

from dashboard import vendor
from dashboard.assets import Assets, squeezed

DASHBOARD = Path(vendor.__file__).parent
TEMPLATES = sorted((DASHBOARD / "templates").glob("*.html"))
HTMX = {
    "hx-get", "hx-post", "hx-put", "hx-patch", "hx-delete", "hx-target", "hx-swap", "hx-trigger", "hx-push-url",
    "hx-vals", "hx-headers", "hx-indicator", "hx-sse:connect",
}  # fmt: skip
KB = 1024


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_inline_code(template):
    """The content policy has no unsafe-inline: no style, no handler, no script text; scripts are our own files."""
    text = template.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_uses_few_htmx_attributes(template):
    """A small set keeps the way back to htmx 2 open; filters and js: values need eval, which the policy forbids."""
    text = template.read_text()
    assert set(re.findall(r"\shx-[a-z:-]+", text)) <= {f" {name}" for name in HTMX}
    assert not re.search(r"hx-trigger=\"[^\"]*\[|hx-(?:vals|headers)=\"js:", text)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_never_turns_escaping_off(template):
    """Markup is made in dashboard.render, never declared in a template."""
    text = template.read_text()
    assert not re.search(r"\|\s*safe\b|autoescape\s+false", text)


def test_one_place_trusts_markup():
    """Markup of a variable is an exception to a rule of the linter; there is exactly one."""
    found = [path.name for path in DASHBOARD.rglob("*.py") for line in path.read_text().splitlines() if "S704" in line]
    assert found == ["markdown.py"]


def test_vendored_files_are_what_was_locked():
    """Every committed third-party file is in the lock, pinned, unchanged and has its licence beside it."""
    assert vendor.check() == []
    assert (vendor.FOLDER / "htmx.LICENSE").is_file()


def test_a_changed_vendored_file_is_noticed(tmp_path):
    """The check is not a formality."""
    for path in vendor.FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "htmx.js").write_text("changed")
    (tmp_path / "stray.js").write_text("stray")
    assert vendor.check(tmp_path) == ["htmx.js: differs from the lock", "stray.js: not in the lock"]


def test_weights_are_within_the_budget():
    """Styles 14 KB, scripts 32 KB, as sent with gzip (dashboard.md, A10)."""
    assets = Assets()
    sheet = assets.find(assets.url("app.css").rpartition("/")[2])
    own = sorted(path.name for path in (DASHBOARD / "static" / "js").glob("*.js"))
    scripts = [assets.find(assets.url(name).rpartition("/")[2]) for name in ("htmx.js", *own)]
    assert len(gzip.compress(sheet.plain, 9)) <= 14 * KB
    assert sum(len(script.gzip) for script in scripts) <= 32 * KB


def test_styles_are_squeezed_where_that_changes_nothing():
    """Comments and blanks go; what is in strings stays, and so does a blank that joins two selectors."""
    styles = """
    /* what; { this } is "for" */
    .a  >  .b, .c :hover {
      content: "a ;  /* b */ { ";  margin: 0  calc(1px + 2px);
    }
    @media (max-width: 800px) { .d { color: red } }
    """
    assert squeezed(styles) == (
        '.a > .b,.c :hover{content:"a ;  /* b */ { ";margin:0 calc(1px + 2px);}@media (max-width:800px){.d{color:red}}'
    )


def test_names_carry_their_contents_hash(tmp_path):
    """Another content is another address, so a year of caching is safe."""
    for folder in ("css", "js"):
        (tmp_path / folder).mkdir()
    (tmp_path / "css" / "a.css").write_text("a{}")
    first = Assets(tmp_path).url("app.css")
    (tmp_path / "css" / "b.css").write_text("b{}")
    second = Assets(tmp_path).url("app.css")
    assert first != second
    assert Assets(tmp_path).url("app.css") == second
