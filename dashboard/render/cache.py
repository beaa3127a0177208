"""Rendering is paid for once per text: a cache by content hash, bounded in bytes, shared by the pool's threads."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from markupsafe import Markup

DEFAULT_BYTES = 32 << 20


class RenderCache:
    """The least recently used renderings go first when the bound is passed. A text that is too big is not kept."""

    def __init__(self, most_bytes: int = DEFAULT_BYTES) -> None:
        self._most = most_bytes
        self._held = 0
        self._kept: OrderedDict[tuple[str, bytes], Markup] = OrderedDict()
        self._lock = Lock()

    def get(self, renderer: str, text: str, make: Callable[[], Markup]) -> Markup:
        """The rendering of this text by this renderer, made now if it is not there. ``renderer`` names its version."""
        key = (renderer, hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = make()
        self._put(key, made)
        return made

    @property
    def held_bytes(self) -> int:
        """How much is kept, in characters of markup."""
        return self._held

    def _put(self, key: tuple[str, bytes], made: Markup) -> None:
        if len(made) > self._most // 8:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = made
            self._held += len(made)
            while self._held > self._most:
                _, dropped = self._kept.popitem(last=False)
                self._held -= len(dropped)


RENDERED = RenderCache()
"""Shared by all pages of this process."""
