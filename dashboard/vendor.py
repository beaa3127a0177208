"""Third-party browser files: fetched from npm once, committed, checked for ever after.

``python -m dashboard.vendor add`` packs every pinned package again, verifies npm's integrity, copies the listed files
to ``static/vendor`` and writes ``vendor.lock.json``. ``python -m dashboard.vendor check`` compares what is committed
with the lock and needs no network.
"""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static" / "vendor"
LOCK = "vendor.lock.json"


@dataclass(frozen=True, slots=True)
class Package:
    """One pinned package and the files of it that we ship: path in the package → our name."""

    name: str
    version: str
    licence: str
    files: dict[str, str]


# Pinned by version, never by tag: npm's `latest` of htmx stays on 2.x until 2027 (dashboard.md, A1).
PACKAGES = (
    Package("htmx.org", "4.0.1", "0BSD", {"dist/htmx.min.js": "htmx.js", "LICENSE": "htmx.LICENSE"}),
)  # fmt: skip


def integrity(archive: bytes) -> str:
    """The integrity string that npm gives a package archive."""
    return "sha512-" + b64encode(hashlib.sha512(archive).digest()).decode()


def add(folder: Path = FOLDER) -> None:
    """Fetch every pinned package and write its files and the lock."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = [_add_package(package, folder) for package in PACKAGES]
    (folder / LOCK).write_text(json.dumps({"packages": entries}, indent=2) + "\n")


def check(folder: Path = FOLDER) -> list[str]:
    """What differs between the committed files, the lock and the pinned packages; empty when all is well."""
    locked = {entry["name"]: entry for entry in json.loads((folder / LOCK).read_text())["packages"]}
    faults = [f"{name}: in the lock, not pinned" for name in locked.keys() - {p.name for p in PACKAGES}]
    for package in PACKAGES:
        entry = locked.get(package.name)
        if entry is None or entry["version"] != package.version:
            faults.append(f"{package.name}: not locked at {package.version}")
            continue
        faults += [
            f"{name}: differs from the lock"
            for name, expected in entry["files"].items()
            if not (folder / name).is_file() or _sha256((folder / name).read_bytes()) != expected
        ]
    known = {name for entry in locked.values() for name in entry["files"]} | {LOCK}
    return faults + [f"{path.name}: not in the lock" for path in folder.iterdir() if path.name not in known]


def _add_package(package: Package, folder: Path) -> dict[str, object]:
    archive, published = _pack(package)
    if integrity(archive) != published:
        raise SystemExit(f"{package.name}: the archive does not match npm's integrity")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for inside, ours in package.files.items():
            member = tar.extractfile(f"package/{inside}")
            if member is None:
                raise SystemExit(f"{package.name}: {inside} is not in the package")
            (folder / ours).write_bytes(member.read())
    return {
        "name": package.name,
        "version": package.version,
        "licence": package.licence,
        "integrity": published,
        "files": {ours: _sha256((folder / ours).read_bytes()) for ours in package.files.values()},
    }


def _pack(package: Package) -> tuple[bytes, str]:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed to vendor a package (not to use one)")
    with tempfile.TemporaryDirectory() as place:
        wanted = f"{package.name}@{package.version}"
        # The arguments are the constants above.
        packed = subprocess.run(  # noqa: S603
            [npm, "pack", wanted, "--json"], cwd=place, check=True, capture_output=True
        )
        answer = json.loads(packed.stdout)[0]
        return (Path(place) / answer["filename"]).read_bytes(), answer["integrity"]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(arguments: list[str]) -> int:
    """The command; returns the exit code."""
    if arguments == ["add"]:
        add()
        return 0
    if arguments == ["check"]:
        faults = check()
        sys.stderr.writelines(f"{fault}\n" for fault in faults)
        return 1 if faults else 0
    sys.stderr.write("usage: python -m dashboard.vendor add|check\n")
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
