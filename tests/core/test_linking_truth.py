"""Clients that know what they did: the forest is the tree of what happened, whatever they change between two turns.

Words are told apart here (every answer is its own), so there is one right tree; ``tests.talks`` is for what collides.
"""

import random
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.linking import forest
from tests.talks import CONTINUATION, SECOND, Wire, assistant, launch, result, use, user

REMINDER = "<system-reminder>\nToday is {}.\n</system-reminder>"


@dataclass
class Path:
    """A transcript as its client holds it, and the call whose answer it ends with."""

    session: str | None
    agent: str | None = None
    parent_agent: str | None = None
    messages: list = field(default_factory=list)
    node: int | None = None
    named: bool = True
    """Whether its client names its sub-agents."""
    inner: bool = False
    """Whether it is a sub-agent's."""
    noted: bool = False
    """Whether the last turn was a reminder alone."""
    history: list = field(default_factory=list)
    """Transcript and node after each answer: where a person can go back to."""

    def keep(self):
        """Remember where the talk stands."""
        self.history.append((list(self.messages), self.node))


class Truthful:
    """Plays clients and writes down what each call is an answer to."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.wire = Wire()
        self.parents = []
        self.attempt_of = []
        self.sub = []
        """Whether each call is a sub-agent's."""
        self.said = 0
        self.paths = []

    def play(self, steps):
        """So many steps; the calls that were made."""
        for _ in range(steps):
            self.wire.now_us += self.random.choice([0, 1, 40_000, 60 * SECOND, 3000 * SECOND])
            if not self.paths or self.random.random() < 0.15:
                self.paths.append(
                    Path(self.random.choice([None, f"s{self._number()}"]), named=self.random.random() < 0.7)
                )
            path = self.random.choice(self.paths)
            step = self.random.choice(
                [self.turn] * 6
                + [
                    self.rewind,
                    self.compact,
                    self.side,
                    self.resume,
                    self.clear,
                    self.interrupt,
                    self.clear_results,
                    self.edit,
                    self.prefill,
                    self.notify,
                ]
            )
            step(path)
        return self.wire.calls

    def _number(self):
        self.said += 1
        return self.said

    def _words(self, kind):
        return f"{kind} number {self._number()}"

    def _dressed(self, messages):
        """The same talk as a client may write it this time."""
        found = []
        for message in messages:
            blocks = [dict(block) for block in message["content"]]
            last = blocks[-1]
            if self.random.random() < 0.2:
                last["cache_control"] = {"type": "ephemeral"}
            if message["role"] == "user" and self.random.random() < 0.2:
                blocks.insert(0, {"type": "text", "text": REMINDER.format(self._number())})
            if message["role"] == "user" and last["type"] == "text" and self.random.random() < 0.2:
                last["text"] += "\r\n\n" + REMINDER.format(self._number())
            if len(blocks) == 1 and last["type"] == "text" and self.random.random() < 0.5:
                found.append({"role": message["role"], "content": last["text"]})
            elif len(blocks) > 1 and self.random.random() < 0.3:
                found += [{"role": message["role"], "content": [block]} for block in blocks]
            else:
                found.append({"role": message["role"], "content": blocks})
            if self.random.random() < 0.1:
                found.append({"role": "system", "content": "It rains."})
        return found

    def call(self, path, messages, answer, parent, *, attempt_of=None, **more):
        """Make a call; its number."""
        self.wire.call(
            self._dressed(messages), answer, session=path.session, agent=path.agent, parent_agent=path.parent_agent,
            client="key-a", **more,
        )  # fmt: skip
        self.parents.append(parent)
        self.attempt_of.append(attempt_of)
        self.sub.append(path)
        self.wire.now_us += self.random.choice([0, 1000, SECOND])
        return len(self.parents) - 1

    def turn(self, path, asked=None):
        """Something is said, tried until it is answered, and the tools of the answer are run."""
        path.noted = False
        sent = [*path.messages, user(*(asked or [self._words("question")]))]
        first = self._failures(path, sent)
        kind = self.random.random()
        answer, agents = [self._words("answer")], []
        if kind < 0.3:
            answer += [
                use(f"toolu_{self._number()}", command=self._words("run")) for _ in range(self.random.choice([1, 2]))
            ]
        elif kind < 0.45 and path.session and len(self.parents) < 200:
            prompts = [self._words("prompt"), self._words("prompt")]
            if path.named and self.random.random() < 0.5:  # without ids nobody could tell twins apart when one fails
                prompts[1] = prompts[0]
            agents = [launch(f"toolu_{self._number()}", prompt) for prompt in prompts]
            answer += agents
        elif kind < 0.5:
            answer = [{"type": "thinking", "thinking": "hm", "signature": "x"}, *answer]
        parent = path.node if first is None else self.parents[first]
        path.node = self.call(path, sent, answer, parent, attempt_of=first)
        blocks = [block for block in answer if isinstance(block, str) or block["type"] != "thinking"]
        path.messages = [*sent, assistant(*blocks)]
        path.keep()
        tools = [block for block in answer if isinstance(block, dict) and block["type"] == "tool_use"]
        if tools:
            results = (
                self._agents(path, agents) if agents else [result(tool["id"], self._words("out")) for tool in tools]
            )
            self.random.shuffle(results)
            if self.random.random() < 0.9 and len(self.parents) < 300:
                self.turn(path, results)

    def _failures(self, path, sent):
        """Tries that fail; the first of them."""
        first = None
        for _ in range(self.random.choice([0, 0, 0, 1, 2])):
            if path.session is None and path.node is None:
                return None  # without a count nobody could tell a retried opening from another one
            parent = path.node if first is None else self.parents[first]
            number = self.call(path, sent, None, parent, attempt_of=first, failed_after_us=1000)
            self.wire.now_us += 2 * SECOND
            first = number if first is None else first
        return first

    def _agents(self, path, launches):
        """Sub-agents, begun in any order and interleaved; what their launcher is brought."""
        node, inner = path.node, []
        order = list(launches)
        self.random.shuffle(order)
        for block in order:
            agent = f"{path.agent or 'a'}.{self._number()}" if path.named else None
            sub = Path(path.session, agent, path.agent, [], node, path.named, inner=True)
            inner.append((sub, block))
        for sub, block in inner:
            self.turn(sub, [block["input"]["prompt"]])
        for _ in range(self.random.choice([0, 2, 4])):
            self.turn(self.random.choice(inner)[0])
        for sub, _ in inner:
            if self.random.random() < 0.2:
                self.compact(sub)
        self.paths += [sub for sub, _ in inner if self.random.random() < 0.3]
        return [result(block["id"], f"{self._words('report')}\nagentId: {sub.agent or 'a0'}") for sub, block in inner]

    def rewind(self, path):
        """The person goes back to an earlier answer and says something else."""
        if path.history and not path.inner:
            path.messages, path.node = self.random.choice(path.history)
            path.messages = list(path.messages)
            self.turn(path, self._owed(path))

    def _owed(self, path):
        """What a transcript that ends with tool calls must go on with."""
        last = path.messages[-1]["content"] if path.messages else []
        tools = [block for block in last if block["type"] == "tool_use"]
        return [*(result(tool["id"], "interrupted") for tool in tools), self._words("other question")]

    def compact(self, path):
        """The transcript is replaced by a summary."""
        if not path.messages or path.session is None or path.messages[-1]["role"] != "assistant":
            return
        if any(block["type"] == "tool_use" for block in path.messages[-1]["content"]):
            return
        summary = f"{self._words('summary')} of all that was said here, in more than forty characters"
        ask = [*path.messages, user("CRITICAL: Respond with TEXT ONLY. Do not call any tools.")]
        path.node = self.call(path, ask, [f"<analysis>x</analysis>\n<summary>\n{summary}\n</summary>"], path.node)
        path.history = []
        path.messages = [user(CONTINUATION + summary + ".\nPlease go on.")]
        sent, answer = path.messages, [self._words("answer")]
        path.node = self.call(path, sent, answer, path.node)
        path.messages = [*sent, assistant(*answer)]
        path.keep()

    def interrupt(self, path):
        """The person stops the answer; what came of it is kept or dropped, and something else is said."""
        sent = [*path.messages, user(*self._owed(path))]
        partial = self._words("begun")
        if path.session is None and path.node is None:
            return
        cut = use(f"toolu_{self._number()}", "Bash")
        stopped = self.call(
            path, sent, self.random.choice([[partial], [partial, cut]]), path.node, complete=False, failed_after_us=500
        )
        if self.random.random() < 0.5:
            path.messages = [*sent, assistant(partial)]
        else:
            path.messages = sent
        path.node = stopped
        self.turn(path, ["[Request interrupted by user]", self._words("question")])

    def clear_results(self, path):
        """The client empties all tool results but the last, as it does when its context fills."""
        brought = [at for at, message in enumerate(path.messages) if message["content"][0]["type"] == "tool_result"]
        old = {"content": "[Old tool result content cleared]"}
        for at in brought[:-1]:
            content = [
                block | (old if block["type"] == "tool_result" else {}) for block in path.messages[at]["content"]
            ]
            path.messages[at] = {"role": "user", "content": content}
        path.history = []
        if path.messages and path.messages[-1]["role"] == "assistant":
            self.turn(path, self._owed(path))

    def edit(self, path):
        """The first words are written anew, and the talk goes on."""
        if path.session is None or path.inner or path.noted or len(path.messages) < 3:
            return
        first = path.messages[0]["content"][0]
        if path.messages[-1]["role"] == "assistant" and not first.get("text", CONTINUATION).startswith(CONTINUATION):
            path.messages = [user(self._words("edited")), *path.messages[1:]]
            path.history = []
            self.turn(path, self._owed(path))

    def prefill(self, path):
        """The client begins the answer itself, and sends both back as one text."""
        sent = [*path.messages, user(*self._owed(path))]
        answer = self._words("rest")
        path.node = self.call(path, [*sent, assistant("{ ")], [answer], path.node)
        path.messages = [*sent, assistant("{ " + answer)]
        path.keep()
        self.turn(path)

    def notify(self, path):
        """A turn of a reminder alone."""
        if path.session is None or path.node is None or path.messages[-1]["role"] != "assistant":
            return
        sent = [*path.messages, user(REMINDER.format("a task is done"))]
        answer = self._words("noted")
        path.node = self.call(path, sent, [answer], path.node)
        path.messages = [*sent, assistant(answer)]
        path.history, path.noted = [], True

    def side(self, path):
        """A title call."""
        if path.session is not None and not path.inner:
            system = [{"type": "text", "text": "You are naming a coding session."}]
            number = self.call(path, [user(self._words("title"))], ["A title"], None, system=system)
            self.sub[number] = None

    def resume(self, path):
        """The same talk goes on in a new session."""
        if not path.inner and path.session is not None and path.messages:
            other = Path(f"s{self._number()}", None, None, list(path.messages), path.node, path.named)
            other.history = list(path.history)
            self.paths.append(other)
            self.turn(other, self._owed(other))

    def clear(self, path):
        """A new talk in the session."""
        if not path.inner:
            path.messages, path.node, path.history = [], None, []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 25))
def test_what_clients_did_is_the_tree(seed, steps):
    """Edits, rewinds, retries, parallel and nested sub-agents, compactions, forks: every edge leads where it should."""
    played = Truthful(seed)
    calls = played.play(steps)
    links = forest(call.facts for call in calls)
    number = {call.facts.call.id: at for at, call in enumerate(calls)}
    found = [links[call.facts.call.id] for call in calls]
    assert [number.get(link.parent_request_id) for link in found] == played.parents
    assert [number.get(link.attempt_of) for link in found] == played.attempt_of
    assert [link.is_subtask for link in found] == [path is not None and path.inner for path in played.sub]
