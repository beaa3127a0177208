"""Static files under names that carry their content's hash: cached for a year, compressed once a process.

``static/css/*.css`` becomes one ``app.css`` (files in the order of their names: the cascade's layers) without comments
and needless blanks, every other file stays itself. Templates say ``{{ asset("app.css") }}``; an unknown name is an
error while the page is built.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import brotli
from aiohttp import web

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static/"
_COMMENT = re.compile(r"(?P<string>\"[^\"\n]*\")|/\*.*?\*/", re.DOTALL)
# A colon keeps the blank before it: "a :hover" is another selector than "a:hover".
_BLANKS = re.compile(r"(?P<string>\"[^\"\n]*\")|\s*(?P<mark>[{};,])\s*|(?P<colon>:)\s+|\s+")
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served: plain and in the encodings browsers take."""

    name: str
    content_type: str
    plain: bytes
    gzip: bytes
    br: bytes


class Assets:
    """Every static file, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._served: dict[str, Asset] = {}
        self._names: dict[str, str] = {}
        for name, content in _sources(folder).items():
            self._add(name, content)

    def _add(self, name: str, content: bytes) -> None:
        path = Path(name)
        hashed = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:10]}{path.suffix}"
        self._names[name] = hashed
        self._served[hashed] = Asset(
            hashed,
            TYPES[path.suffix],
            content,
            gzip.compress(content, 9, mtime=0),
            brotli.compress(content),
        )

    def url(self, name: str) -> str:
        """The address of a file by its source name (``app.css``); KeyError when there is none."""
        return PREFIX + self._names[name]

    def text(self, name: str) -> str:
        """A file's own text by its source name, for pages that must load nothing."""
        return self._served[self._names[name]].plain.decode()

    def find(self, hashed: str) -> Asset | None:
        """The file behind a hashed name."""
        return self._served.get(hashed)

    async def serve(self, request: web.Request) -> web.Response:
        """Handler for ``/static/{name}``."""
        asset = self.find(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        accepted = request.headers.get("Accept-Encoding", "")
        body, encoding = asset.plain, None
        if "br" in accepted:
            body, encoding = asset.br, "br"
        elif "gzip" in accepted:
            body, encoding = asset.gzip, "gzip"
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        return web.Response(body=body, content_type=asset.content_type, charset="utf-8", headers=headers)


@cache
def shipped() -> Assets:
    """The files that come with the dashboard."""
    return Assets()


def squeezed(styles: str) -> str:
    """Style sheets without comments and without blanks that separate nothing. Strings stay as they are."""
    bare = _COMMENT.sub(lambda found: found["string"] or " ", styles)
    return _BLANKS.sub(lambda found: found["string"] or found["mark"] or found["colon"] or " ", bare).strip()


def _sources(folder: Path) -> dict[str, bytes]:
    sheets = sorted((folder / "css").glob("*.css"))
    found = {"app.css": squeezed("\n".join(sheet.read_text("utf-8") for sheet in sheets)).encode()}
    for place in ("js", "vendor", "img"):
        for path in sorted((folder / place).glob("*")):
            if path.suffix in TYPES:
                found[path.name] = path.read_bytes()
    return found
