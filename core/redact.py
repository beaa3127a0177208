"""What of a call's head may be kept, and where secrets stand in a text (security.md, what is never stored).

Everything here runs before the tape: what these functions hide was never written anywhere.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

from core.models import CredentialKind, Headers

NOT_KEPT: Final = "[not kept]"
"""Stands for the value of a header that is neither allow-listed nor secret: only its name is recorded."""

CLIENT_KEY_PREFIX: Final = "fp_live_"
"""How our own client keys begin, wherever a client puts them; they are never an Anthropic credential."""


class _Treatment(Enum):
    KEEP = auto()
    REDACT = auto()
    NAME_ONLY = auto()


_KEPT_FAMILY = "anthropic-ratelimit-"
_KEPT_PREFIXES = ("anthropic-", "content-", "x-stainless-", "x-claude-code-")
_KEPT_NAMES = ("user-agent", "x-app", "request-id", "retry-after", "date", "server", "cf-ray")
_SECRET_NAMES = ("authorization", "proxy-authorization", "x-api-key", "x-footplate-key", "cookie", "set-cookie")
_SECRET_PART = re.compile("token|secret|api-?key|password")

# The names nearly every call brings, decided beforehand: this runs once for each header of each call on the relay.
_DECIDED: Mapping[str, _Treatment] = (
    dict.fromkeys(_KEPT_NAMES, _Treatment.KEEP)
    | dict.fromkeys(_SECRET_NAMES, _Treatment.REDACT)
    | dict.fromkeys(
        ("host", "connection", "accept", "accept-encoding", "accept-language", "sec-fetch-mode", "transfer-encoding"),
        _Treatment.NAME_ONLY,
    )
)

# Each pattern is linear: what it repeats is consumed possessively, and it fails only after a bounded number of
# characters or at the end of a run that no other start shares. The needle makes a text without any secret cheap.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("sk-ant-", re.compile(r"sk-ant-[A-Za-z0-9_-]{8,}+")),
    (CLIENT_KEY_PREFIX, re.compile(r"fp_live_[A-Za-z0-9_-]{8,}+")),
    *((needle, re.compile(needle + r"[A-Za-z0-9]{20,}+")) for needle in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    ("github_pat_", re.compile(r"github_pat_[A-Za-z0-9_]{20,}+")),
    ("xox", re.compile(r"xox[abeoprs]-[A-Za-z0-9-]{10,}+")),
    ("hooks.slack.com/", re.compile(r"hooks\.slack\.com/[A-Za-z0-9/_-]{10,}+")),
    ("AKIA", re.compile(r"AKIA[0-9A-Z]{16}(?![0-9A-Z])")),
    # A JSON escape such as \n may stand right before it: pages mask raw bodies too.
    ("eyJ", re.compile(r"(?:(?<![\w-])|(?<=\\[nrt]))eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+", re.ASCII)),
    (
        "PRIVATE KEY-----",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"
            r"(?:[A-Za-z0-9+/=\s\\:,]|-(?!----))*+"
            r"(?:-----END [A-Z0-9 ]{0,60}-----)?",
            re.ASCII,
        ),
    ),
)
_NEEDLES: Final = tuple(needle for needle, _ in _PATTERNS)
_SHORTEST_SECRET = len("sk-ant-") + 8
_BEARER = re.compile(r"(\bbearer\s++)([^\s,;]++)", re.IGNORECASE)
_PAIR = re.compile(r"[^?&;]++")
_PAIR_IN_TEXT = re.compile(r"[^?&;#,\s]++")
_BETWEEN_PAIRS = re.compile(r"[?&;#,\s]")
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]++")
_MAX_DECODED = 4
"""So often a spelling is seen through; nobody decodes more often."""


def keep_headers(headers: Iterable[tuple[str, str]], hmac_key: bytes) -> Headers:
    """Headers as they may be recorded, in order, their names untouched.

    Allow-listed values stay (a credential inside one is masked), secret-looking ones become ``[redacted:<8 hex>]``,
    of all others only the name is kept and the value is ``NOT_KEPT``. The eight hex digits begin the credential's
    HMAC, so that equal keys look equal.
    """
    return tuple([(name, _keep(name, value, hmac_key)) for name, value in headers])


def _keep(name: str, value: str, hmac_key: bytes) -> str:
    lowered = name.lower()
    treatment = _DECIDED.get(lowered) or _decide(lowered)
    if treatment is _Treatment.KEEP:
        return _mask_credentials(value, hmac_key)
    return NOT_KEPT if treatment is _Treatment.NAME_ONLY else _redacted(value, hmac_key)


@lru_cache(maxsize=256)  # clients repeat themselves
def _decide(lowered: str) -> _Treatment:
    # anthropic-ratelimit-tokens-* stays; any other name that looks secret is, an allowed beginning or not.
    if not lowered.startswith(_KEPT_FAMILY) and _is_secret_name(lowered):
        return _Treatment.REDACT
    return _Treatment.KEEP if lowered.startswith(_KEPT_PREFIXES) else _Treatment.NAME_ONLY


def _is_secret_name(name: str) -> bool:
    lowered = name.lower()
    if not lowered.replace("-", "").isalnum():
        lowered = _BETWEEN_WORDS.sub("-", lowered)
    return lowered in _SECRET_NAMES or _SECRET_PART.search(lowered) is not None


def keep_target(target: str, hmac_key: bytes) -> str:
    """A request target as it may be recorded: values of secret-looking query keys, and secrets anywhere, redacted.

    Path parameters count as query keys. Percent-encoded spellings are seen through, and what is nested in a value;
    what holds no secret stays byte for byte.
    """
    path, mark, query = target.partition("?")
    if "%" in path or "=" in path or find_secrets(path):
        path = "/".join([_keep_pairs(_PAIR, piece, hmac_key) for piece in path.split("/")])
    return path + mark + _keep_pairs(_PAIR, query, hmac_key) if mark else path


def _keep_pairs(pattern: re.Pattern[str], text: str, hmac_key: bytes) -> str:
    return pattern.sub(lambda pair: _keep_pair(pair[0], hmac_key), text)


def _keep_pair(pair: str, hmac_key: bytes) -> str:
    key, equals, value = pair.partition("=")
    if equals and _is_secret_name(_plain(key)):
        return key + equals + _redacted(unquote_plus(value), hmac_key)
    return _keep_piece(key, hmac_key) + equals + _keep_piece(value, hmac_key)


def _keep_piece(piece: str, hmac_key: bytes) -> str:
    plain = _plain(piece)
    return _redacted(piece, hmac_key) if find_secrets(plain) or _names_a_secret(plain) else piece


def _names_a_secret(plain: str) -> bool:
    """Whether pairs nested in a decoded value have a secret-looking key."""
    if "=" not in plain:
        return False
    names = (name for pair in _BETWEEN_PAIRS.split(plain) for name in pair.split("=")[:-1])
    return any(_is_secret_name(name) for name in names)


def _plain(text: str) -> str:
    """The text without percent-encoding, however often that was laid over it."""
    for _ in range(_MAX_DECODED):
        if "%" not in text:
            break
        text = unquote_plus(text)
    return text


def credential(headers: Iterable[tuple[str, str]], hmac_key: bytes) -> tuple[CredentialKind, str] | None:
    """Kind and HMAC (32 hex) of the Anthropic credential a caller brings; None where he brings none.

    The HMAC is over the bare credential: one key is one account, as ``x-api-key`` or as bearer token. Of two
    credentials ``x-api-key`` names the account.
    """
    given = {name.lower(): value for name, value in headers}
    key = given.get("x-api-key", "").strip()
    bearer = _bare(given.get("authorization", ""))
    for secret in (key, bearer):
        if secret and not secret.startswith(CLIENT_KEY_PREFIX):
            # Without a known prefix the beta that OAuth logins must send decides (wire.md, auth forms).
            login = (
                secret is bearer and not secret.startswith("sk-ant-") and "oauth-" in given.get("anthropic-beta", "")
            )
            return "oauth" if login or secret.startswith("sk-ant-oat") else "api_key", digest(secret, hmac_key)
    return None


def digest(secret: str, hmac_key: bytes) -> str:
    """The 32 hex characters that stand for a secret under the installation's key: half of an HMAC-SHA-256."""
    return hmac.digest(hmac_key, secret.encode(errors="backslashreplace"), "sha256").hex()[:32]


def _bare(value: str) -> str:
    scheme, _, rest = value.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else value.strip()


def _redacted(value: str, hmac_key: bytes) -> str:
    return f"[redacted:{digest(_bare(value), hmac_key)[:8]}]"


def _mask_credentials(value: str, hmac_key: bytes) -> str:
    if "bearer" in value.lower():
        value = _BEARER.sub(lambda found: found[1] + _redacted(found[2], hmac_key), value)
    if "=" in value or "%" in value:
        value = _keep_pairs(_PAIR_IN_TEXT, value, hmac_key)  # an address, say, in content-location
    for start, end in reversed(find_secrets(value)):
        value = value[:start] + _redacted(value[start:end], hmac_key) + value[end:]
    return value


def may_hold_secret(text: str) -> bool:
    """Whether a whole secret may stand in a text; that none does is told much faster than by looking for them."""
    return len(text) >= _SHORTEST_SECRET and any(map(text.__contains__, _NEEDLES))


def find_secrets(text: str) -> list[tuple[int, int]]:
    """Where secrets stand in a text: (start, end) pairs in order, never overlapping. Linear in the text's length.

    Anthropic and our own keys, GitHub and Slack tokens, Slack webhooks, AWS key ids, PEM private keys, JSON web tokens.
    """
    if len(text) < _SHORTEST_SECRET:
        return []
    spans = [found.span() for needle, pattern in _PATTERNS if needle in text for found in pattern.finditer(text)]
    if len(spans) < 2:
        return spans
    spans.sort()
    joined = [spans[0]]
    for start, end in spans[1:]:
        if start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
