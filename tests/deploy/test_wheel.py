"""The wheel: everything that is needed, and it runs where it was installed."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES
from tests.product import ROOT, clean_environment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT],
        check=True,
        timeout=120,
    )
    [built] = folder.glob("*.whl")
    return built


def test_every_file_of_the_packages_is_in_it(wheel: Path) -> None:
    """Migrations, queries, templates, styles, scripts: what a package has in the checkout, its wheel has."""
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        assert files - set(archive.namelist()) == set()
    assert {"sql/migrations/0001_installation.sql", "dashboard/templates/base.html", "core/py.typed"} <= files


def test_it_runs_where_it_was_installed(wheel: Path, tmp_path: Path) -> None:
    """Unpacked away from the checkout, the command answers and finds the migrations."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import deploy.cli, sql.migrator, sql.loader; "
        "assert deploy.cli.__file__.startswith('{}'); assert sql.migrator.migrations() and sql.loader.queries()"
    )
    environment = clean_environment() | {"PYTHONPATH": str(tmp_path / "site")}
    for arguments in (["-c", code.format(tmp_path)], ["-m", "deploy", "--help"]):
        subprocess.run([sys.executable, "-P", *arguments], cwd=tmp_path, env=environment, check=True, timeout=30)
