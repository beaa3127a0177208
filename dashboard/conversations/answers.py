"""What the JSON API says of conversations and sessions (api.md). An unknown is null, never 0; times are UTC."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from dashboard.recordings.answers import Answer, NumberedPage


class CursorPage(NumberedPage):
    """Where in a list an answer stands."""

    next_cursor: str | None = Field(description="`before` of the next page; null on the last")


class BranchAnswer(Answer):
    """A branch of a conversation."""

    branch_id: str
    parent_hash: str | None = Field(description="State of the request it opened behind; null for the first")
    created_at: datetime
    message_count: int = Field(description="Its requests without attempts")


class LatestRequest(Answer):
    """The newest request of a conversation."""

    id: UUID
    status_code: int | None
    model: str | None
    created_at: datetime = Field(description="When the conversation was last active")


class ConversationAnswer(Answer):
    """A tree of requests, found by what their transcripts say."""

    conversation_id: UUID
    train_id: str = Field(alias="trainId")
    account_id: str | None
    title: str | None = Field(description="The first user text")
    side_call: str | None = Field(
        description="What a call beside the conversations of a session is for (title, quota …)"
    )
    first_message_at: datetime
    last_message_at: datetime
    message_count: int = Field(description="Requests without attempts")
    attempt_count: int = Field(description="Requests that repeat one which had failed")
    error_count: int
    in_flight: int = Field(
        description="Calls of its sessions that run; which conversation one belongs to is known at its end"
    )
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    total_tokens: int = Field(description="input_tokens + output_tokens")
    total_input_tokens: int = Field(description="input + cache writes + cache reads")
    cost_usd: float | None = Field(description="Of its priced requests; null where none is")
    unpriced_count: int = Field(description="Requests that cost something unknown, not in cost_usd")
    estimated_count: int = Field(description="Requests in cost_usd whose cost is an estimate")
    models: list[str]
    session_ids: list[str]
    branches: list[BranchAnswer]
    latest_request: LatestRequest
    has_subtasks: bool
    subtask_count: int = Field(description="Sub-agents launched")
    compaction_count: int


class RebuildAnswer(Answer):
    """How far the rebuild of a train has come."""

    train_id: str = Field(alias="trainId")
    requests: int = Field(description="Requests that are derived anew by now")
    total_requests: int | None
    percent: int | None
    started_at: datetime


REBUILDING: Any = Field(description="Rebuilds on their way: until they have ended, conversations may be shown in part")


class ConversationsAnswer(Answer):
    """A page of conversations, last active first."""

    conversations: list[ConversationAnswer]
    rebuilding: list[RebuildAnswer] = REBUILDING
    pagination: CursorPage


class LaunchAnswer(Answer):
    """A sub-agent that an answer launched."""

    id: str | None = Field(description="The tool call")
    name: str | None
    purpose: str | None = Field(description="Beginning of its description, else of its prompt")


class ConversationRequest(Answer):
    """A request as a node of its conversation's tree."""

    id: UUID
    parent_request_id: UUID | None
    link_method: str | None = Field(description="The evidence of the edge; null for roots")
    branch_id: str | None
    is_subtask: bool
    parent_task_request_id: UUID | None = Field(description="The request that launched the sub-agent it belongs to")
    attempt_of: UUID | None
    session_id: str | None
    agent_id: str | None
    status_code: int | None
    outcome: str | None = Field(description="Null while the call is in flight")
    error_type: str | None
    stop_reason: str | None
    model: str | None = Field(description="The model that answered; where none did, the one asked for")
    request_type: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_creation_input_tokens: int | None
    cache_read_input_tokens: int | None
    thinking_tokens: int | None
    cost_usd: float | None
    cost_estimated: bool | None
    cost_reason: str | None = Field(description="Why the cost is an estimate, or why it is unknown")
    response_time_ms: float | None
    ttft_ms: float | None
    item_count: int | None = Field(description="Items of its transcript in normal form")
    current_message_hash: str | None
    parent_message_hash: str | None
    preview: str | None = Field(description="Beginning of the user text it added; null where it added none")
    launches: list[LaunchAnswer]
    created_at: datetime = Field(description="When the proxy accepted the call")
    ended_at: datetime | None


class ConversationTree(ConversationAnswer):
    """A conversation with every request of it, in start order."""

    requests: list[ConversationRequest]
    rebuilding: list[RebuildAnswer] = REBUILDING
    requests_omitted: int = Field(description="Requests left out because there are too many to show")


class ExportedRequest(ConversationRequest):
    """A line of an export: a request, its answer, and where its exact bytes are."""

    answer: Any = Field(description="The assistant message, its secrets masked; null where the answer was none")
    request_body_raw: str
    response_body_raw: str


class SessionTalk(Answer):
    """A conversation of a session."""

    conversation_id: UUID
    title: str | None
    side_call: str | None
    message_count: int


class SessionAnswer(Answer):
    """One run of a client. It may hold several conversations, and a conversation may span sessions."""

    session_id: str
    train_id: str = Field(alias="trainId")
    account_id: str | None
    client: str | None
    client_version: str | None
    first_request_at: datetime
    last_request_at: datetime
    request_count: int
    conversations: list[SessionTalk] = Field(description="The longest first; a list of sessions names six of each")
    conversations_omitted: bool


class SessionsAnswer(Answer):
    """A page of sessions, last active first."""

    sessions: list[SessionAnswer]
    pagination: CursorPage
