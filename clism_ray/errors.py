"""The exceptions a user is meant to read. Jobs print their text without a traceback."""

from collections.abc import Iterator


class InputError(ValueError):
    """Something the user gave cannot be used: what was got, what was expected, what to do.

    Jobs exit with code 2.
    """


class Unavailable(InputError):
    """What was given may do at another time: a device is full, or a storage does not answer."""


class RunFailed(RuntimeError):
    """A run ended before its work was done, for a reason that one sentence tells.

    Jobs exit with code 1.
    """


class UnusableInput(RunFailed):
    """All workers of a run agree that something the user gave cannot be used.

    An InputError of one worker alone would leave the others waiting for it; the driver raises one.
    """


class RunStopped(RuntimeError):
    """A run did what it was asked and ended before its work was done: the same command goes on.

    Jobs exit with code 75, by which `sysexits.h` means that it may be tried again.
    """


class WorkersLost(RunFailed):
    """Workers died too often, or one raised what nobody expected."""


def input_error_in(error: BaseException) -> InputError | None:
    """The InputError that an error came from, through whatever the cluster wrapped around it."""
    # Ray raises what a task raised as an error of both classes that reads as a traceback; the
    # innermost is the one that was written for people.
    found = [cause for cause in causes(error) if isinstance(cause, InputError)]
    return InputError(str(found[-1])) if found else None


def root_of(error: BaseException) -> str:
    """The innermost error that an error came from: its class and its first line."""
    return in_a_line(list(causes(error))[-1])


def in_a_line(error: BaseException) -> str:
    """An error's class and its first line."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all it came from, the innermost last; Ray Train's workers' errors too."""
    yield error
    inner = list(getattr(error, "worker_failures", {}).values())
    names = ("controller_failure", "health_check_failure", "cause", "__cause__")
    inner += [getattr(error, name, None) for name in names]
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from causes(cause)
