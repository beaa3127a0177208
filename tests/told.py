"""Conversations told call by call, and what linking makes of them by the numbers of the calls."""

from core.linking import forest
from tests.talks import SECOND, Wire

DAY = 86_400 * SECOND
ROOT = (None, None)
"""The edge of a request without a parent."""


class Client(Wire):
    """A wire on which a second goes by between two calls, unless a test says otherwise."""

    def call(self, *messages, answer=("Hello.",), after_us=SECOND, **more):
        """Make a call and return its number."""
        self.now_us += after_us
        answer = list(answer) if answer is not None else None
        super().call(list(messages), answer, **more)
        return len(self.calls) - 1

    def fail(self, *messages, answer=None, failed_after_us=1000, **more):
        """Make a call that fails; ``answer`` is what came before."""
        return self.call(*messages, answer=answer, failed_after_us=failed_after_us, **more)

    def links(self, corrections=None):
        """The links, in the order of the calls."""
        ids = [call.facts.call.id for call in self.calls]
        named = {ids[child]: None if parent is None else ids[parent] for child, parent in (corrections or {}).items()}
        links = forest([call.facts for call in self.calls], named)
        return [links[one] for one in ids]

    def edges(self, corrections=None):
        """Parent and evidence of each call."""
        number = {call.facts.call.id: at for at, call in enumerate(self.calls)}
        return [(number.get(link.parent_request_id), link.link_method) for link in self.links(corrections)]

    def attempts(self):
        """The first attempt of each call."""
        number = {call.facts.call.id: at for at, call in enumerate(self.calls)}
        return [number.get(link.attempt_of) for link in self.links()]

    def branches(self):
        """The branch of each call."""
        return [link.branch_id for link in self.links()]

    def conversations(self):
        """How many conversations there are."""
        return len({link.conversation_id for link in self.links()})


def reminder(words="a thing"):
    """What clients add to a text."""
    return f"<system-reminder>\n{words}\n</system-reminder>"
