"""What the exit codes mean; the README lists them."""

from core.errors import AlreadyRunningError, BadSettingError, FootplateError

FAILURE = 1
ALREADY_RUNNING = 75
BAD_CONFIGURATION = 78
INTERRUPTED = 130
# How a process of ours ends at its start when it can never run like this.
REFUSALS = frozenset({FAILURE, ALREADY_RUNNING, BAD_CONFIGURATION})


def exit_code(error: FootplateError) -> int:
    """The code of one of our errors."""
    if isinstance(error, BadSettingError):
        return BAD_CONFIGURATION
    return ALREADY_RUNNING if isinstance(error, AlreadyRunningError) else FAILURE
