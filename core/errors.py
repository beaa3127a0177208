"""Few error types, each answering a decision: ours or theirs, permanent or worth a retry."""


class FootplateError(Exception):
    """Anything we raise ourselves; its text is for people and holds no secret."""


class BadSettingError(FootplateError):
    """The configuration cannot work. One line; the process exits with 78."""


class AlreadyRunningError(FootplateError):
    """Somebody else holds this folder or port. One line; the process exits with 75."""


class BadFrameError(FootplateError):
    """Bytes on the tape are not what the writer wrote."""


class BrokenOffError(FootplateError, ValueError):
    """A recorded text ends before what it began to say."""


class LimitExceededError(FootplateError, ValueError):
    """Recorded content passed a parse limit (inflate size or ratio, nesting, time); it is kept raw."""
