"""How a call breaks: one error with the three things its end needs."""

from core.errors import FootplateError
from core.models import Outcome
from core.refusals import Reason


class CallBrokenError(FootplateError):
    """The call cannot go on.

    ``reason`` is what the client is told while no byte of an answer was written to him, ``outcome`` and ``note``
    (a constant phrase) what the record says.
    """

    def __init__(self, reason: Reason, outcome: Outcome, note: str) -> None:
        super().__init__(note)
        self.reason = reason
        self.outcome = outcome
        self.note = note
