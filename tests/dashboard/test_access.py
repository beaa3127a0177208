"""The door: who gets in where, with the real app on a real Postgres."""

import re

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from core.access import LOCAL_NAMES, LOCAL_USER, Permission, Principal
from core.settings import Settings
from dashboard.access import GATE, KEY_HOLDER, Gate, asked_name
from dashboard.app import UnguardedRouteError, add_routes, find_routes, make_app
from dashboard.attempts import MOST_ADDRESSES, MOST_FAILURES, SECONDS, Attempts
from dashboard.headers import ALWAYS
from dashboard.routing import Call, Query, route
from dashboard.sessions import IDLE_SECONDS, LONGEST_SECONDS, MOST, Sessions
from sql.database import Database

KEY = "correct-horse-battery-staple"
PLACE = re.compile(r"{\w+(?::([^}|]*)[^}]*)?}")
ROUTES = find_routes()


def keyed(settings: Settings) -> Settings:
    """The same settings with a key."""
    return settings.model_copy(update={"dashboard_api_key": KEY})


def filled(path: str, request_id: object = "x") -> str:
    """A route's path with its places filled: with the first of a choice, else with the id."""
    return PLACE.sub(lambda place: place[1] or str(request_id), path)


@pytest.fixture
async def locked(settings, database, serve):
    """A client of a dashboard that needs a key."""
    return await serve(keyed(settings), database)


async def test_every_route_with_every_caller(settings, database, serve, seeded):
    """Only public routes answer without a key or with a wrong one; the key opens them all; so does being local.

    Nobody is answered under a foreign host name where there is no key.
    """
    locked, opened = await serve(keyed(settings), database), await serve(settings, database)
    for declared in ROUTES:
        path = filled(declared.path, seeded["plain"])

        async def status(client, declared=declared, path=path, **headers):
            answer = await client.request(declared.method, path, headers=headers, allow_redirects=False)
            return answer.status

        public = declared.permission is Permission.PUBLIC
        asked_to_sign_in = declared.kind == "page" and declared.method == "GET"
        refused = {401, 500} if path == "/login" else {401, 403, 500}
        anonymous = await status(locked)
        assert anonymous != 401 if public else anonymous == (303 if asked_to_sign_in else 401), declared
        for wrong in ({"X-Dashboard-Key": "wrong"}, {"X-API-Key": ""}, {"Authorization": f"Bearer {KEY}x"}):
            assert (await status(locked, **wrong) == 401) == (not public), declared
        for right in ({"X-Dashboard-Key": KEY}, {"X-API-Key": KEY}, {"Authorization": f"bearer {KEY}"}):
            assert await status(locked, **right) not in refused, declared
        assert await status(opened) not in refused, declared
        assert await status(opened, Host="evil.example") == 403, declared
        assert await status(opened, Host="127.0.0.1.evil.example:3001") == 403, declared


async def test_every_answer_carries_the_security_headers(client, seeded):
    """Whatever a route answers with, its headers forbid inline code, other hosts, sniffing and referrers."""
    for declared in ROUTES:
        path = filled(declared.path, seeded["hostile"])
        answer = await client.request(declared.method, path, allow_redirects=False)
        for name, value in ALWAYS.items():
            assert answer.headers[name] == value, declared
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        if declared.kind != "asset":
            assert answer.headers["Cache-Control"] == "no-store", declared


@pytest.mark.parametrize("host", ["localhost", "localhost:3001", "127.0.0.1:1", "[::1]:3001", "[::1]", "LOCALHOST"])
def test_names_of_this_machine(host):
    """Host names of this machine, with and without a port, are recognised."""
    assert asked_name(make_mocked_request("GET", "/", headers={"Host": host})) in LOCAL_NAMES


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:3001", "127.0.0.2", "0", "[::1", "", "a@b", "[::2]"],
)
def test_other_names(host):
    """Any other Host, also a malformed one, is not of this machine."""
    assert asked_name(make_mocked_request("GET", "/", headers={"Host": host})) not in LOCAL_NAMES


async def test_errors_carry_the_headers_and_the_one_shape(client):
    """404, 405 and 400 look as api.md says, with an id that stands in the header too."""
    for method, path, status in (
        ("GET", "/api/nothing", 404),
        ("DELETE", "/api/requests", 405),
        ("GET", "/api/requests?modle=x", 400),
    ):
        answer = await client.request(method, path)
        body = await answer.json()
        assert answer.status == status
        assert answer.headers["Content-Security-Policy"] == ALWAYS["Content-Security-Policy"]
        assert set(body) == {"error", "detail", "error_code", "request_id", "timestamp"}
        assert set(body["error"]) - {"details"} == {"type", "message"}
        assert body["detail"] == body["error"]["message"]
        assert body["error_code"] == body["error"]["type"].upper()
        assert body["request_id"] == answer.headers["X-Request-Id"]


def test_a_route_without_permission_stops_the_start():
    """A route that does not say which permission it needs is never served."""

    @route("GET", "/api/forgotten")
    async def forgotten(_call: Call[Query]) -> web.Response:
        return web.Response()

    with pytest.raises(UnguardedRouteError, match=r"GET /api/forgotten"):
        add_routes(web.Application(), [forgotten])


def test_no_route_beside_the_declared_ones(settings):
    """Every handler the app serves was declared with ``@route`` and so with its permission."""
    app = make_app(settings, Database.create("postgresql://127.0.0.1:1/none", application="test"))
    served = {(found.method, found.resource.canonical) for found in app.router.routes() if found.method != "HEAD"}
    assert served == {(declared.method, re.sub(":[^}]*", "", declared.path)) for declared in ROUTES}


async def test_an_unforeseen_error_is_told_without_its_text(settings, database, aiohttp_client, capsys):
    """What nobody foresaw is a 500 under an id; neither answer nor log quotes the error's text."""

    @route("GET", "/api/broken", permission=Permission.PUBLIC)
    async def broken(_call: Call[Query]) -> web.Response:
        raise RuntimeError("sk-ant-secret")

    app = make_app(settings, database)
    add_routes(app, [broken])
    client = await aiohttp_client(app)
    answer = await client.get("/api/broken")
    assert answer.status == 500
    logged = capsys.readouterr().err
    assert "sk-ant" not in await answer.text()
    assert "sk-ant" not in logged
    assert answer.headers["X-Request-Id"] in logged
    assert "RuntimeError" in logged


async def test_database_away(settings, serve):
    """Without a database every route of data says 503 and when to come again; what needs none goes on."""
    client = await serve(settings, Database.create("postgresql://127.0.0.1:1/none", application="test"))
    for path in ("/api/requests", "/api/requests/0199aaaa-0000-7000-8000-000000000000", "/api/stats", "/health"):
        answer = await client.get(path)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert answer.content_type == "application/json"
    assert (await client.get("/health/live")).status == 200
    assert "footplate_database_up 0.0" in await (await client.get("/metrics")).text()


class OneTrain(Gate):
    """A door that knows one caller, who may see one train."""

    def principal(self, request):
        """Him."""
        return Principal("member", frozenset(Permission), frozenset({"atlas"}))


async def test_another_trains_requests_are_not_there(settings, database, serve, connection, seeded):
    """Who may see one train finds nothing of another: not in lists, not by filter, not by id, not raw, not in sums."""
    client = await serve(settings, database)
    client.server.app[GATE].__class__ = OneTrain
    for path in ("/api/requests", "/api/requests?trainId=default,atlas"):
        rows = (await (await client.get(path)).json())["requests"]
        assert [row["id"] for row in rows] == [str(seeded["other_train"])]
    assert (await (await client.get("/api/requests?trainId=default")).json())["pagination"]["total"] == 0
    assert (await (await client.get("/api/train-ids")).json())["train_ids"] == ["atlas"]
    assert (await (await client.get("/api/stats?trainId=default")).json())["total_requests"] == 0
    assert 'train="default"' not in await (await client.get("/metrics")).text()
    for declared in ROUTES:
        if "{id}" in declared.path and declared.method == "GET":
            hidden = await client.get(filled(declared.path, seeded["plain"]))
            unknown = await client.get(filled(declared.path, "0199aaaa-0000-7000-8000-000000000000"))
            assert (hidden.status, unknown.status) == (404, 404)


async def test_nobody_compares_with_what_he_may_not_see(client, seeded):
    """A request of another train is as unknown to a comparison as one that never was."""
    client.server.app[GATE].__class__ = OneTrain
    for other in (seeded["plain"], "0199aaaa-0000-7000-8000-000000000000"):
        own = seeded["other_train"]
        for path in (f"/requests/{own}?tab=diff&against=", f"/api/requests/{own}/diff?against="):
            answer = await client.get(f"{path}{other}")
            assert answer.status == 404
            assert "Hello" not in await answer.text()


async def test_sign_in(locked):
    """A browser without a session is led to the form, gets in with the key, and out again."""
    answer = await locked.get("/login")
    assert answer.status == 200
    wrong = await locked.post("/login", data={"key": "wrong", "next": "/docs"})
    assert wrong.status == 403
    assert "Set-Cookie" not in wrong.headers
    assert (await locked.get("/api/requests")).status == 401
    right = await locked.post("/login", data={"key": KEY, "next": "/docs?x=1"}, allow_redirects=False)
    assert (right.status, right.headers["Location"]) == (303, "/docs?x=1")
    cookie = right.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert KEY not in cookie
    assert (await locked.get("/api/requests")).status == 200
    await locked.post("/logout", allow_redirects=False)
    assert (await locked.get("/api/requests")).status == 401


async def test_who_guesses_waits(locked, monkeypatch):
    """After ten wrong keys from one address the form says when to come back, and takes no key until then."""
    for _ in range(MOST_FAILURES):
        assert (await locked.post("/login", data={"key": "wrong"})).status == 403
    for key in ("wrong", KEY):
        answer = await locked.post("/login", data={"key": key}, allow_redirects=False)
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= SECONDS
        assert "Too many wrong keys" in await answer.text()
        assert "Set-Cookie" not in answer.headers
    assert (await locked.get("/api/requests", headers={"X-API-Key": KEY})).status == 200
    monkeypatch.setattr("dashboard.attempts.SECONDS", 0.0)
    assert (await locked.post("/login", data={"key": KEY}, allow_redirects=False)).status == 303


def test_attempts_are_counted_by_address_and_time():
    """Failures grow old, addresses do not share them, and only so many addresses are remembered."""
    now = [1000.0]
    attempts = Attempts(lambda: now[0])
    for moment in range(MOST_FAILURES):
        now[0] = 1000.0 + moment
        attempts.failed("a")
    assert attempts.wait("a") == pytest.approx(1000.0 + SECONDS - now[0])
    assert attempts.wait("b") == 0
    now[0] = 1000.0 + SECONDS
    assert attempts.wait("a") == 0
    attempts.failed("a")
    assert attempts.wait("a") == pytest.approx(1.0)
    for number in range(MOST_ADDRESSES):
        attempts.failed(f"address {number}")
    assert attempts.wait("a") == 0


async def test_behind_https_the_cookie_is_bound_to_the_host(settings, database, serve):
    """Where the public address is https the cookie is Secure and carries the __Host- prefix."""
    https = keyed(settings).model_copy(update={"public_url": "https://gauges.example"})
    client = await serve(https, database)
    answer = await client.post("/login", data={"key": KEY}, allow_redirects=False)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-footplate=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "place", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a\r\nb: c", ""]
)
async def test_sign_in_leads_nowhere_else(locked, place):
    """Whatever ``next`` says, the browser stays on this site."""
    answer = await locked.post("/login", data={"key": KEY, "next": place}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_change_from_another_site_is_refused(client, locked, headers):
    """A page of another site can not post here, key or not."""
    for each in (client, locked):
        answer = await each.post("/login", data={"key": KEY}, headers=headers)
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers


async def test_a_change_from_this_site_is_let_through(locked):
    """The browser's own headers on our form's post are accepted."""
    origin = f"http://127.0.0.1:{locked.port}"
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    answer = await locked.post("/login", data={"key": KEY}, headers=headers, allow_redirects=False)
    assert answer.status == 303


async def test_our_own_no_referrer_hides_the_origin(locked):
    """Browsers send ``Origin: null`` with our own forms because of our no-referrer; Sec-Fetch-Site tells them apart."""
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    answer = await locked.post("/login", data={"key": KEY}, headers=headers, allow_redirects=False)
    assert answer.status == 303


async def test_large_texts_travel_compressed(client, seeded):
    """Lists and pages are compressed where the caller takes it; exact bytes never are."""
    for path, encoding in (
        ("/api/requests", "gzip"),
        ("/docs", "gzip"),
        ("/health/live", None),
        (f"/api/requests/{seeded['stream']}/raw/response", None),
    ):
        answer = await client.get(path, headers={"Accept-Encoding": "gzip"})
        assert answer.headers.get("Content-Encoding") == encoding, path
        assert ("Accept-Encoding" in answer.headers.get("Vary", "")) == (encoding is not None)
    plain = await client.get("/api/requests", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers


async def test_a_large_form_is_refused(locked):
    """A form larger than any we have is 413."""
    answer = await locked.post("/login", data={"key": "x" * 200_000})
    assert answer.status == 413


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """The time."""
        return self.now


def test_sessions_end():
    """A session ends after eight idle hours, after a day in any case, when closed, and when too many are newer."""
    clock = Clock()
    sessions = Sessions(clock)
    idle, busy, closed = sessions.open(), sessions.open(), sessions.open()
    sessions.close(closed)
    assert not sessions.holds(closed)
    assert not sessions.holds("made up")
    while clock.now < LONGEST_SECONDS:
        assert sessions.holds(busy)
        clock.now += IDLE_SECONDS - 1
    assert not sessions.holds(idle)
    assert not sessions.holds(busy)
    first = sessions.open()
    clock.now += 1
    others = [sessions.open() for _ in range(MOST)]
    assert not sessions.holds(first)
    assert all(map(sessions.holds, others))


def test_the_key_is_not_kept_in_clear(settings):
    """The gate knows the key's hash only; principals hold every permission today."""
    gate = Gate(keyed(settings))
    assert gate.opens_with(KEY)
    assert not gate.opens_with(KEY[:-1])
    assert KEY not in repr(vars(gate))
    assert KEY_HOLDER.permissions == LOCAL_USER.permissions == frozenset(Permission)


async def test_a_schema_of_another_version_is_said(client, connection, seeded):
    """Waiting does not help there: the page and the API say what does, and are asked again less often."""
    assert seeded
    await connection.execute("ALTER TABLE conversations RENAME COLUMN shape TO form")
    for path in ("/api/conversations", "/conversations"):
        answer = await client.get(path, headers={"Accept": "text/html"})
        assert (answer.status, answer.headers.get("Retry-After")) == (503, "10"), await answer.text()
        assert "run the migrations" in await answer.text(), path
