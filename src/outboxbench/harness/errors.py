"""What stops a run before it can measure: each is one sentence that says what to do."""


class HarnessError(Exception):
    """Base of the errors that the command line shows without a traceback."""


class BadInput(HarnessError):
    """The user asked for something that does not exist or cannot be (exit code 2)."""


class CannotRun(HarnessError):
    """The request is fine; this machine or server cannot do it (exit code 3)."""
