"""The exceptions a user is meant to read. Jobs print their text without a traceback."""


class InputError(ValueError):
    """Something the user gave cannot be used: what was got, what was expected, what to do.

    Jobs exit with code 2.
    """


class RunFailed(RuntimeError):
    """A run ended before its work was done, for a reason that one sentence tells.

    Jobs exit with code 1.
    """
