#!/usr/bin/env python3
"""Closed-loop load generator for Anthropic-style proxies: raw asyncio.Protocol on uvloop, keep-alive.

    python load.py run --url http://127.0.0.1:8080/v1/messages -c 32 -t 5 --pid PROXY_PID
    python load.py run ... --stream --n 200 --d 5 -c 20 --body 300k
    python load.py rss --url ... --pid PROXY_PID --levels 0,200,1000 [--body 300k]
    python load.py body --body 300k > body.json

run  C connections, each sends the next request when the last answer is complete, for --time seconds
     (or --count requests), after --warmup seconds that are not counted. One JSON object on stdout:
       rps, latency ms p50/p90/p99/max, errors by status;
       streams: ttfb ms (request sent -> first body byte), events/s, ev_lat ms (time from the mock's write of an
       event, CLOCK_MONOTONIC stamped into its text, to its parse here: subtract the figure of a direct run);
       cpu_us_req (and cpu_us_ev for streams) of the process tree under --pid, from utime+stime (+ reaped
       children) in /proc/PID/stat; the same for --pid2 (e.g. the mock), and this process's own share.
rss  opens K streams that stay open, waits until every one has had its first event, reports RSS and PSS of the tree.

Own code; stdlib + uvloop. Request bodies are pre-rendered; sizes like 2k, 300k, 1m are approximate (+-2%).
"""
import argparse, asyncio, json, os, random, re, resource, sys, time
from urllib.parse import urlsplit

try:
    import uvloop
except ImportError:
    uvloop = None

TCK = os.sysconf("SC_CLK_TCK")
MONO = time.monotonic_ns
WORDS = ("the proxy reads config from file and returns an error when stream ends before message stop event so we "
         "retry with backoff def async await return self request response token usage cache import os path test "
         "assert equal index table insert select where order by conversation account branch hash merge").split()


# ---------------------------------------------------------------- request bodies
def _text(rng, n):
    out, size = [], 0
    while size < n:
        w = rng.choice(WORDS)
        out.append(w)
        size += len(w) + 1
        if rng.random() < .08:
            out.append(rng.choice(['\n', '\n    ', '"x": 1,', '{', '}', f'{rng.randrange(10**6)}', '\t→ ']))
    return " ".join(out)[:n]


def make_body(size, stream, mock="", seed=1, as_dict=False):
    """A Claude-Code-like request: system prompt with cache_control, tools, user/assistant turns with
    tool_use/tool_result blocks, until it is about `size` bytes. 'stream' comes early, as the mock looks there."""
    rng = random.Random(seed)
    doc = {"model": "claude-sonnet-4-20250514", "max_tokens": 1024, "stream": bool(stream),
           "metadata": {"user_id": f"mock:{mock}" if mock else "user_perf"}}
    if size <= 8192:
        doc["system"] = [{"type": "text", "text": f"You are Claude Code, Anthropic's official CLI. mock:{mock} "},
                         {"type": "text", "text": "Be concise.", "cache_control": {"type": "ephemeral"}}]
        doc["messages"] = [{"role": "user", "content": f"mock:{mock} " + _text(rng, max(10, size - 420))}]
    else:
        doc["system"] = [{"type": "text", "text": f"You are Claude Code, Anthropic's official CLI. mock:{mock} "},
                         {"type": "text", "text": _text(rng, min(12000, size // 8)),
                          "cache_control": {"type": "ephemeral"}}]
        doc["tools"] = [{"name": f"Tool{i}", "description": _text(rng, min(1500, size // 200)),
                         "input_schema": {"type": "object", "properties": {
                             k: {"type": "string", "description": _text(rng, 60)} for k in ("path", "pattern", "mode")},
                             "required": ["path"]}} for i in range(14)]
        msgs = doc["messages"] = [{"role": "user", "content": [{"type": "text", "text": f"mock:{mock} " + _text(rng, 1500)}]}]
        have = len(json.dumps(doc, ensure_ascii=False).encode())
        i = 0
        while have < size:
            i += 1
            tid = f"toolu_{rng.getrandbits(80):020x}"
            a = {"role": "assistant", "content": [
                {"type": "text", "text": _text(rng, 200)},
                {"type": "tool_use", "id": tid, "name": f"Tool{i % 14}", "input": {"path": f"/src/f{i}.py", "pattern": _text(rng, 80)}}]}
            u = {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": tid, "content": _text(rng, min(rng.choice((400, 2000, 6000)), max(50, size - have - 800)))}]}
            msgs += (a, u)
            have += len(json.dumps(a, ensure_ascii=False).encode()) + len(json.dumps(u, ensure_ascii=False).encode()) + 4
        msgs[-1]["content"][-1]["content"] += f" mock:{mock} "      # again at the end: some proxies reorder the fields
    return doc if as_dict else json.dumps(doc, ensure_ascii=False, separators=(",", ":")).encode()


def parse_size(s):
    s = s.lower()
    return int(float(s[:-1]) * {"k": 1024, "m": 1 << 20}[s[-1]]) if s[-1] in "km" else int(s)


# ---------------------------------------------------------------- /proc
def tree(pid):
    kids = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                with open(f"/proc/{d}/stat") as f:
                    kids.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(d))
            except OSError:
                pass
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        todo += kids.get(p, [])
    return out


def cpu_s(pids):
    """utime+stime(+reaped children) seconds of every process in the trees under pids."""
    tot = 0
    for root in pids:
        for p in tree(root):
            try:
                with open(f"/proc/{p}/stat") as f:
                    v = f.read().rsplit(")", 1)[1].split()
                tot += int(v[11]) + int(v[12]) + int(v[13]) + int(v[14])
            except OSError:
                pass
    return tot / TCK


def faults(pids):
    """minor page faults of every process in the trees under pids."""
    tot = 0
    for root in pids:
        for p in tree(root):
            try:
                with open(f"/proc/{p}/stat") as f:
                    tot += int(f.read().rsplit(")", 1)[1].split()[7])
            except OSError:
                pass
    return tot


def mem_mb(pids):
    rss = pss = 0
    for root in pids:
        for p in tree(root):
            try:
                with open(f"/proc/{p}/smaps_rollup") as f:
                    for line in f:
                        if line.startswith("Rss:"):
                            rss += int(line.split()[1])
                        elif line.startswith("Pss:"):
                            pss += int(line.split()[1])
            except OSError:
                pass
    return round(rss / 1024, 1), round(pss / 1024, 1)


def busy_s():
    """busy seconds of all CPUs (everything but idle+iowait), and stolen seconds."""
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:9]]
    return (sum(v) - v[3] - v[4] - v[7]) / TCK, v[7] / TCK


def pct(xs, scale=1.0):
    if not xs:
        return None
    xs = sorted(xs)
    n = len(xs)
    g = lambda q: round(xs[min(n - 1, int(n * q))] * scale, 3)
    return {"p50": g(.5), "p90": g(.9), "p99": g(.99), "max": round(xs[-1] * scale, 3)}


# ---------------------------------------------------------------- client
RE_CL = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.I)
RE_TE = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.I)
RE_CLOSE = re.compile(rb"\r\nconnection:\s*close", re.I)
RE_STAMP = re.compile(rb"@(\d{19})@")


class Client(asyncio.Protocol):
    def __init__(self, st):
        self.st = st

    def connection_made(self, tr):
        self.tr = tr
        tr.set_write_buffer_limits(high=1 << 24)
        self.closed = False
        self.fire()

    def fire(self):
        st = self.st
        if st.stop or (st.count and st.issued >= st.count):
            self.tr.close()
            st.live -= 1
            st.check()
            return
        st.issued += 1
        self.buf = b""
        self.state = 0            # 0 head, 1 length body, 2 chunked body, 3 until close
        self.first = 0
        self.tail = b""
        self.nev = 0
        self.last = b""
        self.t0 = MONO()
        self.tr.write(st.request)

    def data_received(self, data):
        if self.state == 1:                                   # length body
            self.need -= len(data)
            self.last = data
            if self.need <= 0:
                self.done()
            return
        buf = self.buf = self.buf + data if self.buf else data
        if self.state == 0:
            i = buf.find(b"\r\n\r\n")
            if i < 0:
                return
            head = buf[:i + 2]
            self.status = int(head[9:12])
            if self.status == 100:
                self.buf = b""
                return self.data_received(buf[i + 4:]) if len(buf) > i + 4 else None
            self.close_after = RE_CLOSE.search(head) is not None
            buf = self.buf = buf[i + 4:]
            m = RE_CL.search(head)
            if m:
                self.state, self.need = 1, int(m[1]) - len(buf)
                self.first = MONO()
                self.last = buf
                self.buf = b""
                if self.need <= 0:
                    self.done()
                return
            self.state = 2 if RE_TE.search(head) else 3
            if not buf:
                return
        if not self.first:
            self.first = MONO()
        if self.state == 3:
            self.buf = b""
            self.events(buf)
            return
        pos, n = 0, len(buf)
        parts = []
        fin = False
        while True:                                           # chunked
            e = buf.find(b"\r\n", pos, pos + 18)
            if e < 0:
                break
            size = int(buf[pos:e].split(b";")[0], 16)
            if size == 0:
                if n < e + 4:
                    break
                fin = True
                pos = n
                break
            if e + 2 + size + 2 > n:
                break
            parts.append(buf[e + 2:e + 2 + size])
            pos = e + 4 + size
        self.buf = buf[pos:]
        if parts:
            self.events(b"".join(parts))
        if fin:
            self.done()

    def events(self, payload):
        now = MONO()
        text = self.tail + payload if self.tail else payload
        cut = text.rfind(b"\n\n")
        if cut < 0:
            self.tail = text
            return
        self.tail = text[cut + 2:]
        text = text[:cut + 2]
        self.nev += text.count(b"\n\n")
        st = self.st
        if st.on_first and self.nev and not getattr(self, "seen", False):
            self.seen = True
            st.on_first()
        if st.counting:
            lat = st.evlat
            for s in RE_STAMP.findall(text):
                s = int(s)
                if s:
                    lat.append(now - s)
        self.last = text

    def done(self):
        t = MONO()
        st = self.st
        if st.stream and self.status == 200 and b"message_stop" not in self.last[-400:]:
            st.err["truncated"] = st.err.get("truncated", 0) + 1
        if st.counting:
            st.done += 1
            st.nev += self.nev
            if self.status == 200:
                st.lat.append(t - self.t0)
                st.ttfb.append(self.first - self.t0)
            else:
                st.err[self.status] = st.err.get(self.status, 0) + 1
                st.sample = (self.last or self.buf)[:300].decode("latin1")
        if self.close_after:
            self.closed = True
            self.tr.close()
            asyncio.ensure_future(st.connect())
            return
        if not st.rate:
            self.fire()
            return
        # equal rate: each connection keeps a schedule of its own; who is late does not catch up in bursts
        loop = asyncio.get_running_loop()
        self.due = max(getattr(self, "due", loop.time()) + st.every, loop.time())
        loop.call_at(self.due, self.fire)

    def connection_lost(self, exc):
        st = self.st
        if self.closed or st.finished:
            return
        if getattr(self, "state", 0) == 3:
            self.closed = True
            self.close_after = True
            self.done()
        elif not self.tr.is_closing() or exc is not None or not st.stop and not (st.count and st.issued >= st.count):
            if not st.stop:
                st.err["conn"] = st.err.get("conn", 0) + 1
                self.closed = True
                asyncio.get_running_loop().call_later(.05, lambda: asyncio.ensure_future(st.connect()))


class State:
    def __init__(self):
        self.stop = self.counting = self.finished = False
        self.rate = 0
        self.issued = self.done = self.nev = 0
        self.lat, self.ttfb, self.evlat, self.err = [], [], [], {}
        self.sample = ""
        self.on_first = None
        self.over = asyncio.Event()

    def check(self):
        if self.live <= 0:
            self.over.set()

    async def connect(self):
        for _ in range(100):
            if self.finished:
                return
            try:
                await asyncio.get_running_loop().create_connection(lambda: Client(self), self.host, self.port)
                return
            except OSError:
                self.err["connect"] = self.err.get("connect", 0) + 1
                await asyncio.sleep(.1)
        self.live -= 1
        self.check()


def prepare(a, mock):
    u = urlsplit(a.url)
    body = open(a.body_file, "rb").read() if a.body_file else make_body(parse_size(a.body), a.stream, mock)
    hs = ["x-api-key: sk-ant-perf", "anthropic-version: 2023-06-01", "user-agent: claude-cli/1.0 (perf)", "accept: application/json"] + a.header
    path = u.path + ("?" + u.query if u.query else "")
    st = State()
    st.host, st.port, st.stream = u.hostname, u.port, a.stream
    st.request = (f"POST {path} HTTP/1.1\r\nHost: {u.netloc}\r\nContent-Type: application/json\r\n" +
                  "".join(h + "\r\n" for h in hs) + f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    st.live, st.count = a.connections, a.count
    st.body_len = len(body)
    st.rate = getattr(a, "rate", 0)
    st.every = a.connections / st.rate if st.rate else 0
    return st


async def run(a):
    mock = f"s=1,n={a.n},d={a.d:g},t={a.ttfb:g}" if a.stream else f"t={a.ttfb:g}"
    st = prepare(a, mock)
    if a.warmup <= 0:
        st.counting = True
    loop = asyncio.get_running_loop()
    pids = a.pid
    b0, (c0, m0, w0, s0) = busy_s(), (cpu_s(pids), cpu_s(a.pid2), time.monotonic(), resource.getrusage(resource.RUSAGE_SELF))
    if st.rate:
        for _ in range(a.connections):
            await st.connect()
            await asyncio.sleep(1 / st.rate)
    elif a.stagger and a.stream and a.d:                       # spread stream starts, so deltas do not beat in step
        for i in range(a.connections):
            await st.connect()
            await asyncio.sleep(min(.05, a.n * a.d / 1000 / a.connections))
    else:
        await asyncio.gather(*(st.connect() for _ in range(a.connections)))
    if a.warmup > 0:
        await asyncio.sleep(a.warmup)
        st.counting = True
        st.done = st.nev = 0
        st.lat.clear(); st.ttfb.clear(); st.evlat.clear(); st.err.clear()
        b0, (c0, m0, w0, s0) = busy_s(), (cpu_s(pids), cpu_s(a.pid2), time.monotonic(), resource.getrusage(resource.RUSAGE_SELF))
    f0 = faults(pids)
    try:
        await asyncio.wait_for(st.over.wait(), a.time)
    except asyncio.TimeoutError:
        pass
    # the measuring window ends here
    st.counting = False
    b1 = busy_s()
    w1, c1, m1, s1 = time.monotonic(), cpu_s(pids), cpu_s(a.pid2), resource.getrusage(resource.RUSAGE_SELF)
    wall = w1 - w0
    f1 = faults(pids)
    nreq, nlat = st.done, len(st.lat)
    # events are counted live (a stream may span window edges): stamped ones if any, else those of finished streams
    nev = len(st.evlat) or st.nev
    st.stop = True
    rss, pss = mem_mb(pids)
    if not st.over.is_set():
        try:
            await asyncio.wait_for(st.over.wait(), a.drain)
        except asyncio.TimeoutError:
            pass
    st.finished = True
    out = {"name": a.name, "stream": a.stream, "body": st.body_len, "c": a.connections, "wall": round(wall, 2), "req": nreq,
           "issued": st.issued, "rps": round(nreq / wall, 1), "lat_ms": pct(st.lat, 1e-6), "errors": st.err}
    if st.sample:
        out["error_sample"] = st.sample
    if a.stream:
        out |= {"n": a.n, "d": a.d, "ttfb_ms": pct(st.ttfb, 1e-6), "ev_s": round(nev / wall), "ev_lat_ms": pct(st.evlat, 1e-6)}
    if pids:
        cpu = c1 - c0
        out |= {"cpu_s": round(cpu, 2), "cpu_util": round(cpu / wall, 3), "cpu_us_req": round(cpu * 1e6 / nreq, 1) if nreq else None,
                "rss_mb": rss, "pss_mb": pss}
        out["faults_req"] = round((f1 - f0) / nreq, 2) if nreq else None
        if a.stream and nev:
            out["cpu_us_ev"] = round(cpu * 1e6 / nev, 2)
    if a.pid2:
        out["mock_util"] = round((m1 - m0) / wall, 3)
    out["load_util"] = round((s1.ru_utime + s1.ru_stime - s0.ru_utime - s0.ru_stime) / wall, 3)
    own = (c1 - c0) + (m1 - m0) + (s1.ru_utime + s1.ru_stime - s0.ru_utime - s0.ru_stime)
    out["foreign_util"] = round((b1[0] - b0[0] - own) / wall, 3)   # CPU used by others meanwhile (plus softirq): noise
    out["steal"] = round((b1[1] - b0[1]) / wall, 3)
    print(json.dumps(out), flush=True)


async def rss(a):
    out = {"name": a.name, "mode": "rss", "levels": {}}
    for k in [int(x) for x in a.levels.split(",")]:
        if k == 0:
            out["levels"]["0"] = mem_mb(a.pid)
            continue
        a.stream, a.connections, a.count = True, k, k
        st = prepare(a, "s=1,n=60,d=1000,t=0")
        seen = 0

        def first():
            nonlocal seen
            seen += 1
        st.on_first = first
        t0 = time.monotonic()
        for i in range(0, k, 50):
            await asyncio.gather(*(st.connect() for _ in range(min(50, k - i))))
            await asyncio.sleep(.02)
        while seen < k and time.monotonic() - t0 < a.time:
            await asyncio.sleep(.1)
        await asyncio.sleep(1)
        m = mem_mb(a.pid)
        out["levels"][str(k)] = m
        out.setdefault("seen", {})[str(k)] = [seen, round(time.monotonic() - t0 - 1, 1), st.err]
        st.stop = st.finished = True
        for tr in list(TRS):
            tr.abort()
        TRS.clear()
        await asyncio.sleep(1.5)
    out["levels"]["after"] = mem_mb(a.pid)
    print(json.dumps(out), flush=True)


TRS = []
_made = Client.connection_made


def _track(self, tr):
    TRS.append(tr)
    _made(self, tr)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="cmd", required=True)
    for name in ("run", "rss", "body"):
        p = sub.add_parser(name)
        p.add_argument("--name", default="")
        p.add_argument("--url", default="http://127.0.0.1:9000/v1/messages")
        p.add_argument("--body", default="2k")
        p.add_argument("--body-file")
        p.add_argument("--stream", action="store_true")
        p.add_argument("-H", "--header", action="append", default=[])
        p.add_argument("-c", "--connections", type=int, default=32)
        p.add_argument("--count", type=int, default=0)
        p.add_argument("-t", "--time", type=float, default=5)
        p.add_argument("--warmup", type=float, default=1)
        p.add_argument("--drain", type=float, default=5)
        p.add_argument("--n", type=int, default=200)
        p.add_argument("--d", type=float, default=0)
        p.add_argument("--ttfb", type=float, default=0)
        p.add_argument("--rate", type=float, default=0, help="requests per second over all connections; 0: closed loop")
        p.add_argument("--stagger", action="store_true")
        p.add_argument("--pid", type=int, action="append", default=[])
        p.add_argument("--pid2", type=int, action="append", default=[])
        p.add_argument("--levels", default="0,200,1000")
    a = ap.parse_args()
    if a.cmd == "body":
        sys.stdout.buffer.write(make_body(parse_size(a.body), a.stream))
        return

    if a.cmd == "rss":
        Client.connection_made = _track
    if uvloop:
        uvloop.install()
    asyncio.run(run(a) if a.cmd == "run" else rss(a))


if __name__ == "__main__":
    main()
