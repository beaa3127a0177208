"""What a conversation adds up to: counts that hold whatever happens inside of its sub-agents."""

import itertools
from decimal import Decimal

from core.ids import uuid7_ms
from core.linking.ledger import Known
from core.models import Outcome
from core.rollup import Member
from core.tally import Tally, rollup
from core.valueclass import replace
from tests.forests import NO_FIGURES
from tests.talks import CONTINUATION, assistant, launch, user
from tests.told import Client

FIVE_MINUTES_MS = 300_000
SUMMARY = "everything that the helper has seen so far, in many words"


def summed(client):
    """The roll-up of the one conversation that a client had."""
    members = [
        Member(known.call, known.link, NO_FIGURES)
        for known in (
            Known(call.facts.call, call.facts.pairs, link)
            for call, link in zip(client.calls, client.links(), strict=True)
        )
    ]
    [conversation] = {member.link.conversation_id for member in members}
    return rollup(conversation, members)


def helped():
    """A talk that launched a sub-agent, whose transcript was compacted."""
    client = Client()
    asks, prompt = user("Find it."), user("Look around.")
    client.call(asks, answer=(launch("toolu_1", "Look around."),), session="s")
    client.call(prompt, answer=("Seen.",), session="s", agent="a1")
    ask = user("CRITICAL: Respond with TEXT ONLY.")
    client.call(prompt, assistant("Seen."), ask, answer=(f"<summary>{SUMMARY}</summary>",), session="s", agent="a1")
    client.call(user(CONTINUATION + SUMMARY), answer=("Done.",), session="s", agent="a1")
    return client, asks


def test_a_compaction_inside_of_a_sub_agent_hides_no_branch():
    """It opens no branch of its own, so main and the one that a person opened are two."""
    client, asks = helped()
    assert (summed(client).branch_count, summed(client).compaction_count) == (1, 1)
    answer = assistant(launch("toolu_1", "Look around."))
    client.call(asks, answer, user("Never mind."), answer=("Fine.",), session="s")
    client.call(asks, answer, user("Rather wait."), answer=("I wait.",), session="s")
    found = summed(client)
    assert (found.branch_count, found.compaction_count, found.subtask_count) == (2, 1, 1)
    assert found.subtask_slots == {uuid7_ms(client.calls[0].facts.call.id) // FIVE_MINUTES_MS: 1}


def test_what_follows_a_compaction_is_a_branch_that_nobody_opened():
    """The list of branches has it, the count of those that people opened has not."""
    client = Client()
    client.call(user("Begin."), answer=("Begun.",), session="s")
    ask = user("CRITICAL: Respond with TEXT ONLY.")
    client.call(user("Begin."), assistant("Begun."), ask, answer=(f"<summary>{SUMMARY}</summary>",), session="s")
    client.call(user(CONTINUATION + SUMMARY), answer=("Done.",), session="s")
    found = summed(client)
    assert (found.branch_count, found.compaction_count, len(found.branches)) == (1, 1, 2)


def test_a_conversation_of_one_request_comes_to_what_all_do():
    """The short way for it gives what adding up gives: whoever sent it, whatever became of it."""
    client = Client()
    client.call(user("Hello."), session="s")
    client.call(user("Hello, who sends no session."))
    client.call(user("quota"), session="t", max_tokens=1)
    client.call(user("Launch."), answer=(launch("toolu_1", "Look around."),), session="u")
    client.call(assistant("No user."), session="v")
    client.fail(user("Fail."), session="w")
    figures = [
        replace(NO_FIGURES, outcome=outcome, ended_us=ended_us, cost_usd=cost, unpriced=cost is None, title=title,
                model=title, status=200, input_tokens=3, cache_read_input_tokens=4, account=5, estimated=True)
        for outcome, ended_us, cost, title in itertools.product(
            (None, Outcome.OK, Outcome.UPSTREAM_ERROR), (None, 1 << 52), (None, Decimal("0.00054")), (None, "Hello."))
    ]  # fmt: skip
    for call, link in zip(client.calls, client.links(), strict=True):
        for given in figures:
            member = Member(call.facts.call, link, given)
            tally = Tally(link.conversation_id)
            tally.add([member])
            assert rollup(link.conversation_id, [member]) == tally.rollup()
