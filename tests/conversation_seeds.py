"""Recorded conversations for tests of what reads them, put straight into the tables as the recorder leaves them.

    talk = Talk(connection)
    first = await talk.ask(None, text("Fix the test"), answer=[use("t1", "Bash", command="pytest")])
    await talk.ask(first, result("t1", "1 failed"), answer=[text("Done.")])
    await talk.file()

Hashes and item counts are those that the stored bodies have in normal form.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core.chain import START, chain
from core.conversation_tree import Tree
from core.graph import ALL, lines
from core.normal_form import ASSISTANT, USER, Normaliser
from tests.recordings import MODEL, Body, Recorded, insert, insert_row, message, request_body

SESSION = "5e551011-0000-4000-8000-00000000000a"
REMINDER = "<system-reminder>\nToday is Friday. The user opened auth.py.\n</system-reminder>"
SUMMARY = "1. Primary request: the login test. 2. The clock was frozen too late."
CONTINUED = (
    "This session is being continued from a previous conversation that ran out of context. "
    f"The conversation is summarized below:\n{SUMMARY}"
)


def use(tool_id: str, name: str, **given: Any) -> Body:
    """A tool call."""
    return {"type": "tool_use", "id": tool_id, "name": name, "input": given}


def result(tool_id: str, content: Any, *, error: bool = False) -> Body:
    """What a tool call gave."""
    return {"type": "tool_result", "tool_use_id": tool_id, "content": content, "is_error": error}


@dataclass
class Asked:
    """A recorded request of a talk: its row as far as the tree needs it, and its transcript."""

    id: UUID
    parent_request_id: UUID | None
    attempt_of: UUID | None
    link_method: str | None
    branch_id: str
    is_subtask: bool
    stop_reason: str | None
    preview: str | None
    outcome: str | None
    messages: list[Body]
    answer: Body | None
    at: datetime
    item_count: int
    state: str
    task: UUID | None = None
    usage: Body = field(default_factory=dict)
    cost: float = 0.0


@dataclass
class Talk:
    """A conversation that is being recorded, ten seconds a request."""

    connection: Any
    started: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(hours=2))
    train: str = "default"
    session: str | None = SESSION
    account: str | None = "key-0123456789ab"
    side_call: str | None = None
    first_number: int = 1000
    asked: list[Asked] = field(default_factory=list)
    conversation: UUID | None = None

    async def ask(
        self,
        parent: Asked | None,
        *content: Any,
        answer: list[Body] | None = None,
        link: str | None = "reply",
        branch: str | None = None,
        attempt_of: Asked | None = None,
        launch: Asked | None = None,
        messages: list[Body] | None = None,
        bodies: bool = True,
        model: str = MODEL,
        after: float = 10.0,
        **call: Any,
    ) -> Asked:
        """Record a request that goes on from ``parent``, and its answer."""
        sent = messages if messages is not None else _transcript(parent, content)
        stop = "tool_use" if any(block["type"] == "tool_use" for block in answer or ()) else "end_turn"
        usage = self._usage(sent)
        made = message(*answer, stop_reason=stop, usage=usage) if answer is not None else None
        # Messages of the role ``system`` are no part of a transcript in normal form.
        told = [each for each in sent if each["role"] in (USER, ASSISTANT)]
        items = [item for each in told for item in Normaliser().content(each["role"], each["content"])]
        node = Asked(
            id=UUID(int=0),
            parent_request_id=attempt_of.parent_request_id if attempt_of else parent.id if parent else None,
            attempt_of=(attempt_of.attempt_of or attempt_of.id) if attempt_of else None,
            link_method=attempt_of.link_method if attempt_of else link if parent else None,
            branch_id=branch or (attempt_of or parent or _MAIN).branch_id,
            is_subtask=launch is not None or (parent is not None and parent.is_subtask),
            stop_reason=stop if made else None,
            preview=None if attempt_of else _preview(content or sent[-1]["content"]),
            outcome=call.get("outcome", "ok"),
            messages=sent,
            answer=made,
            at=self.asked[-1].at + timedelta(seconds=after) if self.asked else self.started,
            item_count=len(items),
            state=chain(START, tuple(items))[-1].hex() if items else START.hex(),
            task=launch.id if launch else parent.task if parent else None,
            usage=usage if made else {},
            cost=0.0213 if made else 0.0,
        )
        await self._insert(node, parent, model, bodies=bodies, call=call)
        self.asked.append(node)
        return node

    def _usage(self, sent: list[Body]) -> Body:
        figures = {
            "input_tokens": 12,
            "cache_creation_input_tokens": 900,
            "cache_read_input_tokens": min(180_000, 4_000 + 900 * len(sent)),
            "output_tokens": 60 + 7 * len(self.asked) % 400,
        }
        return {**message()["usage"], **figures}

    async def _insert(
        self, node: Asked, parent: Asked | None, model: str, *, bodies: bool, call: dict[str, Any]
    ) -> None:
        launches = [block for block in (node.answer or {}).get("content", ()) if block.get("name") in ("Agent", "Task")]
        columns = {
            "parent_request_id": node.parent_request_id,
            "link_method": node.link_method,
            "branch_id": node.branch_id,
            "is_subtask": node.is_subtask,
            "parent_task_request_id": node.task,
            "attempt_of": node.attempt_of,
            "current_message_hash": node.state,
            "parent_message_hash": parent.state if parent else None,
            "item_count": node.item_count,
            "identity_version": 1,
            "preview": node.preview,
            "side_call": self.side_call,
            "cost_usd": node.cost or None,
            **call.pop("columns", {}),
        }
        if launches:
            columns["task_tool_invocation"] = [{key: each[key] for key in ("id", "name", "input")} for each in launches]
        body = request_body(messages=node.messages) if bodies else None
        recorded = Recorded(
            train=self.train,
            account=self.account,
            request=body,
            message=node.answer,
            session_id=self.session,
            model=model,
            answered_model=model if node.answer else None,
            columns=columns,
            **call,
        )
        number = self.first_number + len(self.asked)
        node.id = await insert(self.connection, recorded, at=node.at, number=number)
        self.conversation = self.conversation or node.id
        where = "UPDATE requests SET conversation_id = $1 WHERE id = $2"
        await self.connection.execute(where, self.conversation, node.id)

    async def file(self, title: str | None = None) -> UUID:
        """Write the roll-ups: conversation, branches, session, tool calls. Returns the conversation's id."""
        train = await self.connection.fetchval("SELECT train FROM trains WHERE name = $1", self.train)
        account = await self.connection.fetchval("SELECT account FROM accounts WHERE account_id = $1", self.account)
        await insert_row(self.connection, "conversations", {"train": train, "account": account, **self._row(title)})
        await self._file_branches(train)
        await self._file_session(train, account, self.asked[-1])
        for node in self.asked:
            await self._file_calls(train, node)
        return self.conversation or UUID(int=0)

    def _row(self, title: str | None) -> dict[str, Any]:
        nodes = [node for node in self.asked if node.attempt_of is None]
        total = {
            key: sum(node.usage.get(key, 0) for node in self.asked)
            for key in ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        }
        branches = Counter(node.branch_id for node in nodes)
        tasks = {name for name in branches if name.startswith("subtask_")}
        launched = sum(
            block.get("name") in ("Agent", "Task")
            for node in self.asked
            for block in (node.answer or {}).get("content", ())
        )
        newest = self.asked[-1]
        return {
            "conversation_id": self.conversation,
            "title": title or self.asked[0].preview,
            "side_call": self.side_call,
            "first_at": self.asked[0].at,
            "last_at": newest.at + timedelta(seconds=2.5),
            "message_count": len(nodes),
            "attempt_count": len(self.asked) - len(nodes),
            "error_count": sum(node.outcome not in (None, "ok", "client_cancelled") for node in self.asked),
            "in_flight": sum(node.outcome is None for node in self.asked),
            "branch_count": sum(not name.startswith(("subtask_", "compact_")) for name in branches),
            "subtask_count": max(launched, len(tasks)),
            "compaction_count": sum(node.link_method == "compaction" for node in nodes),
            **total,
            "cost_usd": sum(node.cost for node in self.asked) or None,
            "models": [MODEL],
            "session_ids": [self.session] if self.session else [],
            "subtask_slots": {str(int(newest.at.timestamp() // 300)): max(launched, len(tasks))},
            "latest_request": newest.id,
            "latest_started_at": newest.at,
            "latest_status_code": 200 if newest.outcome == "ok" else None if newest.outcome is None else 529,
            "latest_model": MODEL,
            "shape": _shape(nodes),
        }

    async def _file_branches(self, train: int) -> None:
        nodes = [node for node in self.asked if node.attempt_of is None]
        branches = Counter(node.branch_id for node in nodes)
        for name, count in branches.items():
            first = next(node for node in nodes if node.branch_id == name)
            branch = {
                "train": train,
                "conversation_id": self.conversation,
                "branch_id": name,
                "parent_hash": None,
                "first_request": first.id,
                "created_at": first.at,
                "message_count": count,
            }
            await insert_row(self.connection, "branches", branch)

    async def _file_session(self, train: int, account: int | None, newest: Asked) -> None:
        if self.session is None:
            return
        known = "SELECT 1 FROM sessions WHERE train = $1 AND session_id = $2"
        if await self.connection.fetchval(known, train, self.session) is None:
            row = {
                "train": train,
                "session_id": self.session,
                "client": "claude-code",
                "client_version": "2.1.328",
                "account": account,
                "first_at": self.asked[0].at,
                "last_at": newest.at,
                "request_count": len(self.asked),
            }
            await insert_row(self.connection, "sessions", row)

    async def _file_calls(self, train: int, node: Asked) -> None:
        brought = [part for each in self.asked for said in each.messages for part in said["content"]]
        failed = {part.get("tool_use_id"): part["is_error"] for part in brought if part.get("type") == "tool_result"}
        for index, block in enumerate((node.answer or {}).get("content", ())):
            if block["type"] == "tool_use":
                row = {
                    "train": train,
                    "id": node.id,
                    "block_index": index,
                    "tool_use_id": block["id"],
                    "name": block["name"],
                    "input_size": len(str(block["input"])),
                    "duration_us": 1_240_000,
                    "is_error": failed.get(block["id"]),
                }
                await insert_row(self.connection, "tool_calls", row)


_MAIN = Asked(UUID(int=0), None, None, None, "main", False, None, None, None, [], None, datetime.now(UTC), 0, "")


def _transcript(parent: Asked | None, content: tuple[Any, ...]) -> list[Body]:
    """What a client sends next: all so far, the answer, and what is new."""
    before = list(parent.messages) if parent else []
    if parent is not None and parent.answer is not None and parent.outcome == "ok":
        before.append({"role": "assistant", "content": parent.answer["content"]})
    return [*before, {"role": "user", "content": list(content)}] if content else before


def _preview(content: tuple[Any, ...]) -> str | None:
    texts = [block["text"] for block in content if block.get("type") == "text"]
    said = [words for words in texts if not words.startswith("<system-reminder>")]
    return said[-1][:200] if said else None


def _shape(nodes: list[Asked]) -> list[Body]:
    tree = Tree(nodes)
    laid = lines(tree, [ALL])
    kept = laid[:: max(1, len(laid) // 200 + 1)]
    shown = {id(line): number for number, line in enumerate(kept)}
    shape = []
    for line in kept:
        above = line.parent
        while above is not None and id(laid[above]) not in shown:
            above = laid[above].parent
        node = tree.rows[line.head]
        kind = (
            "compaction"
            if node.link_method == "compaction"
            else "error"
            if node.outcome not in (None, "ok")
            else "turn"
        )
        kind = "subagent" if tree.is_launched(line.head) else kind
        shape.append({"lane": line.lane, "parent": None if above is None else shown[id(laid[above])], "kind": kind})
    return shape
