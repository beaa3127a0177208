"""Clients that talk at random, for tests of linking: small vocabularies, so that everything that can collide does.

``Traffic`` plays Claude Code (with and without agent ids), SDK programs with and without threads, several at once. What
it returns are calls; ``Spoken.running`` is what is known at the start, ``Spoken.facts`` at the end.
"""

import random
from dataclasses import dataclass, field

import orjson

from core import identity
from core.identity import Facts
from core.ids import uuid7
from core.models import Origin
from core.reply import Reply

BEGIN_US = 1_780_000_000_000_000
SECOND = 1_000_000
CONTINUATION = "This session is being continued from a previous conversation that ran out of context. Summary:\n"


def user(*blocks):
    """A user message."""
    return {"role": "user", "content": [text(block) if isinstance(block, str) else block for block in blocks]}


def assistant(*blocks):
    """An assistant message."""
    return {"role": "assistant", "content": [text(block) if isinstance(block, str) else block for block in blocks]}


def text(words):
    """A text block."""
    return {"type": "text", "text": words}


def use(tool_id, name="Bash", **given):
    """A tool_use block."""
    return {"type": "tool_use", "id": tool_id, "name": name, "input": given}


def launch(tool_id, prompt):
    """A block that launches a sub-agent."""
    return use(tool_id, "Agent", prompt=prompt, description="d")


def result(tool_id, content="ok"):
    """A tool_result block."""
    return {"type": "tool_result", "tool_use_id": tool_id, "content": content}


@dataclass(frozen=True)
class Spoken:
    """One call, and what is known of it before and after its end."""

    running: Facts
    facts: Facts


class Wire:
    """Makes calls of bodies; ids grow with the clock."""

    def __init__(self):
        self.calls: list[Spoken] = []
        self.now_us = BEGIN_US

    def call(self, messages, answer=None, *, at_us=None, session=None, agent=None, parent_agent=None, retry=None,
             client="key-a", failed_after_us=None, complete=True, **fields):  # fmt: skip
        """Record a call; ``answer`` is its blocks (None: no message), ``failed_after_us`` when it failed."""
        at_us = self.now_us if at_us is None else at_us
        number = len(self.calls)
        request_id = uuid7(at_us // 1000, number.to_bytes(3, "big") + bytes(7))
        body = orjson.dumps({"model": "m", "max_tokens": 100, "messages": messages, **fields})
        origin = Origin(session_id=session, agent_id=agent, parent_agent_id=parent_agent, retry_count=retry)
        message = None if answer is None else {"id": f"msg_{number}", "content": [
            text(block) if isinstance(block, str) else block for block in answer
        ]}  # fmt: skip
        failed = failed_after_us is not None
        reply = Reply(message, complete and not failed, at_us + failed_after_us if failed else None)
        if message is None and not failed:
            reply = Reply()
        given = (request_id, at_us, body, origin, client)
        spoken = Spoken(identity.read(*given), identity.read(*given, reply))
        self.calls.append(spoken)
        return spoken


@dataclass
class Talk:
    """One conversation that a client holds."""

    session: str | None
    agent: str | None
    parent_agent: str | None
    client: str
    messages: list = field(default_factory=list)
    begin: int = 0
    """Messages before the first turn that may be edited away."""
    thread: str | None = None
    threaded: bool = False
    depth: int = 0


class Traffic:
    """Random clients on one wire."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.wire = Wire()
        self.talks: list[Talk] = []
        self.made = 0

    def play(self, steps: int) -> list[Spoken]:
        """So many steps of whoever's turn it is."""
        for _ in range(steps):
            # Several calls of one millisecond, pauses of minutes, a day now and then.
            self.wire.now_us += self.random.choice(
                [0, 1000, 20_000, SECOND, 30 * SECOND, 700 * SECOND, 90_000 * SECOND]
            )
            if not self.talks or self.random.random() < 0.2:
                self.talks.append(self._new())
            self._step(self.random.choice(self.talks))
        return self.wire.calls

    def _new(self) -> Talk:
        session = self.random.choice([None, "s1", "s2", "s3"])
        threaded = session is None and self.random.random() < 0.4
        return Talk(session, None, None, self.random.choice(["key-a", "key-b"]), threaded=threaded)

    def _word(self) -> str:
        return self.random.choice(["hi", "go", "why", "do it"])

    def _id(self, kind: str) -> str:
        self.made += 1
        return f"{kind}_{self.made}"

    def _call(self, talk: Talk, messages, answer, **more) -> Spoken:
        if talk.threaded:
            more["thread"] = (
                {"type": "continue", "previous_message_id": talk.thread} if talk.thread else {"type": "create"}
            )
        return self.wire.call(
            messages, answer, session=talk.session, agent=talk.agent, parent_agent=talk.parent_agent,
            client=talk.client, **more,
        )  # fmt: skip

    def _step(self, talk: Talk) -> None:
        steps = [self._turn] * 8 + [self._side, self._summarise, self._edit, self._fork, self._again, self._reminder]
        self.random.choice(steps)(talk)

    def _answer(self, talk: Talk):
        kind = self.random.random()
        if kind < 0.5:
            return [self.random.choice(["Hello.", "Done.", "Sure."])]
        if kind < 0.75:
            return [
                "I will.",
                *(use(self._id("tool"), command=self._word()) for _ in range(self.random.choice([1, 2]))),
            ]
        if kind < 0.9 and talk.depth < 2:
            prompts = [self.random.choice(["sub one", "sub two"]) for _ in range(self.random.choice([1, 2, 3]))]
            return [launch(self._id("tool"), prompt) for prompt in prompts]
        return self.random.choice([[{"type": "thinking", "thinking": "hm"}], ["{", "}"], ["One.", "Two."]])

    def _turn(self, talk: Talk, messages=None) -> None:
        """A user text, tries until one succeeds or the user gives up, and what its answer asks for."""
        sent = messages or ([] if talk.thread else talk.messages) + [user(self._word())]
        prefill = not talk.threaded and self.random.random() < 0.1
        asked = [*sent, assistant("{ ")] if prefill else sent
        for attempt in range(3):
            if self.random.random() < 0.75:
                break
            partial = self.random.choice([None, ["Hel"]])
            after = self.random.choice([1000, 50_000, SECOND])
            failed = self._call(talk, asked, partial, failed_after_us=after, retry=attempt)
            self.wire.now_us += self.random.choice([after, 2 * after, 500, 400 * SECOND])
            if self.random.random() < 0.2:
                talk.messages = [*sent, assistant(*partial)] if partial and not talk.thread else talk.messages
                return
            del failed
        else:
            attempt = 0
        answer = None if self.random.random() < 0.05 else self._answer(talk)
        spoken = self._call(talk, asked, answer, retry=attempt)
        if answer is None:
            return
        self._keep(talk, sent, answer, spoken, "{ " if prefill else "")

    def _keep(self, talk: Talk, sent, answer, spoken: Spoken, prefill: str = "") -> None:
        blocks = [block for block in answer if isinstance(block, str) or block["type"] != "thinking"]
        if prefill and blocks and isinstance(blocks[0], str):
            blocks[0] = prefill + blocks[0]
        talk.thread = spoken.facts.message_id if talk.threaded else None
        if not talk.threaded:
            talk.messages = [*sent, assistant(*blocks)] if blocks else [*sent]
        tools = [block for block in answer if isinstance(block, dict) and block["type"] == "tool_use"]
        if tools:
            results = []
            for block in tools:
                words = self._run(talk, block) if block["name"] == "Agent" else "done"
                results.append(result(block["id"], words))
            self.random.shuffle(results)
            self.wire.now_us += 1000
            if self.random.random() < 0.9 and len(self.wire.calls) < 400:
                self._turn(talk, ([] if talk.threaded else talk.messages) + [user(*results)])

    def _run(self, talk: Talk, block) -> str:
        """A sub-agent: a talk of its own, which may go on later; its result may tell its agent's id."""
        named = talk.session is not None and self.random.random() < 0.7
        agent = self._id("agent") if named else None
        inner = Talk(talk.session, agent, talk.agent if named else None, talk.client, depth=talk.depth + 1)
        self.wire.now_us += self.random.choice([0, 1000])
        if self.random.random() < 0.2 and named:
            inner.messages = list(talk.messages[:-1])  # a fork: the parent's talk goes on as a sub-agent
        if self.random.random() < 0.8:
            self._turn(inner, [*inner.messages, user("<system-reminder>x</system-reminder>", block["input"]["prompt"])])
        self.talks.append(inner)
        return f"Report.\nagentId: {agent or 'a0'} (for resuming)" if self.random.random() < 0.7 else "Report."

    def _side(self, talk: Talk) -> None:
        if talk.session is None:
            return
        if self.random.random() < 0.5:
            self._call(talk, [user("quota")], ["#"], max_tokens=1)
        else:
            system = [text("You are naming a coding session.")]
            self._call(
                talk, [user(self._word())], ["Hello."], system=system, failed_after_us=self.random.choice([None, 1000])
            )

    def _summarise(self, talk: Talk) -> None:
        if talk.threaded or not talk.messages:
            return
        summary = self.random.choice(["short", "a long summary of whatever was said so far, and more", ""])
        ask = [*talk.messages, user("CRITICAL: Respond with TEXT ONLY. Do it.")]
        failed = self.random.choice([None, None, 1000])
        self._call(talk, ask, [f"<summary>{summary}</summary>"] if failed is None else None, failed_after_us=failed)
        tail = talk.messages[-1:] if self.random.random() < 0.3 and talk.messages[-1]["role"] == "assistant" else []
        talk.messages = [user(CONTINUATION + summary + "."), *tail]

    def _edit(self, talk: Talk) -> None:
        if not talk.threaded and len(talk.messages) > 1:
            talk.messages = talk.messages[: self.random.randrange(len(talk.messages))]
            if self.random.random() < 0.3:
                talk.messages = [user("edited"), *talk.messages[1:]]

    def _fork(self, talk: Talk) -> None:
        if not talk.threaded:
            session = self.random.choice([talk.session, "s4", None])
            agent = talk.agent if session == talk.session else None
            self.talks.append(Talk(session, agent, None, talk.client, list(talk.messages)))

    def _again(self, talk: Talk) -> None:
        if talk.messages and talk.messages[-1]["role"] == "assistant":
            self._turn(talk, talk.messages[:-1])

    def _reminder(self, talk: Talk) -> None:
        if talk.messages and not talk.threaded:
            self._turn(talk, [*talk.messages, user("<system-reminder>news</system-reminder>")])
