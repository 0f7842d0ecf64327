"""The one exception a user is meant to read."""


class InputError(ValueError):
    """Something the user gave cannot be used: what was got, what was expected, what to do.

    Jobs print its text without a traceback and exit with code 2.
    """
