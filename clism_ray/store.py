"""An MLflow store that may be away: no request waits long, none is sent twice unseen.

One `Store` serves all runs of a job, so that a silent server costs the job, not each of its runs,
a little waiting.
"""

import logging
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import mlflow.store.db.utils as mlflow_databases
import requests
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from clism_ray.passwords import masked

AnswerT = TypeVar("AnswerT")

STORE_ERRORS = (MlflowException, SQLAlchemyError, OSError)  # requests' own are OSErrors
_OPEN_ERRORS = (*STORE_ERRORS, ImportError, ValueError)  # no driver; a port that is no number
_TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_ANSWER_SECONDS = 10  # MLflow's default is 120
_FILE_SECONDS = 30  # for the answer to a file, and more for a large one:
_FILE_BYTES_PER_SECOND = 10 * 2**20
_PAUSE = 10.0  # times as long as a request failed is a silent store left alone,
_SHORTEST_PAUSE = 1.0  # in seconds
_TRIES = 2  # to connect to a database; MLflow's ten take minutes


class StoreFailed(Exception):
    """The store did not take a request. Its text is for people, and holds no password."""


class ExperimentDeleted(StoreFailed):
    """The store has the experiment, but somebody deleted it."""


class StoreAway(StoreFailed):
    """The store did not answer. It may have taken the request all the same."""


class Store:
    """A client of the store at `uri`, and whether it answers. For one thread at a time."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._client: MlflowClient | None = None
        self._away: str | None = None  # why it does not answer, if it did not
        self._asked_again_at = 0.0
        self._said: set[str] = set()
        # It tells of each table that it makes, and has a traceback for what is told here in a line.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
        os.environ.setdefault(_TIMEOUT, str(_ANSWER_SECONDS))
        # A retry inside MLflow could send again what the store has taken; ours looks first.
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
        # At the end of a run it would print the server's address, with its password.
        os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
        mlflow_databases.MAX_RETRY_COUNT = _TRIES

    def ask(self, request: Callable[[MlflowClient], AnswerT]) -> AnswerT:
        """The store's answer to a request.

        Raises StoreAway if there is none, at once if there was none a moment ago, and StoreFailed
        if the store refuses.
        """
        if self._away and time.monotonic() < self._asked_again_at:
            raise StoreAway(self._away)
        began = time.monotonic()
        try:
            return request(self._open())
        except _OPEN_ERRORS as error:
            if not no_answer(error):
                raise StoreFailed(told(error, self.uri)) from error
            self._leave_alone(reason(error), time.monotonic() - began)
            raise StoreAway(self._away) from error
        except StoreFailed:
            raise
        except Exception as error:  # an answer of no form that MLflow knows; no job ends of it
            raise StoreFailed(f"{type(error).__name__}: {told(error, self.uri)}") from error

    def ask_anyway(self) -> None:
        """Let the next request go out, however short a time ago the store was silent."""
        self._asked_again_at = 0.0

    def took_all(self) -> None:
        """Note that nothing waits for the store any more, and say so if something did."""
        if self._away:
            print("MLflow answers again, and has what waited for it", flush=True)
        self._away = None

    def tell(self, error: StoreFailed, where: Path) -> None:
        """Say once that a run's metrics are refused. Silence is told when it begins."""
        line = f"MLflow takes no metrics ({error}); they wait in {where}"
        if not isinstance(error, StoreAway) and line not in self._said:
            self._said.add(line)
            print(line, flush=True)

    def _open(self) -> MlflowClient:
        if self._client is None:
            parts = urlsplit(self.uri)
            if parts.scheme in ("http", "https") and not parts.hostname:
                raise ValueError("it names no host")
            self._client = MlflowClient(tracking_uri=self.uri)
        return self._client

    def _leave_alone(self, why: str, seconds: float) -> None:
        if self._away is None:
            print(
                f"MLflow at {masked(self.uri)} does not answer ({why}): "
                "metrics wait in the journal and are delivered when it does",
                flush=True,
            )
        self._away = why
        self._asked_again_at = time.monotonic() + max(_SHORTEST_PAUSE, _PAUSE * seconds)


@contextmanager
def time_for_files(path: Path) -> Iterator[None]:
    """Wait longer for answers while files are sent: a server may pass them on before it answers."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    largest = max((file.stat().st_size for file in files), default=0)
    before = os.environ[_TIMEOUT]
    os.environ[_TIMEOUT] = str(max(int(before), _FILE_SECONDS + largest // _FILE_BYTES_PER_SECOND))
    try:
        yield
    finally:
        os.environ[_TIMEOUT] = before


def no_answer(error: BaseException) -> bool:
    """Whether an error means that the store may answer another time.

    A refused or lost connection, a time-out, a name that is not known (yet), an answer of the 5xx,
    a database server or file that is busy. Not: a bad certificate, a path that cannot be opened.
    """
    for cause in _chain(error):
        if isinstance(cause, requests.exceptions.SSLError):
            return False
        if isinstance(cause, requests.exceptions.HTTPError) and cause.response is not None:
            return cause.response.status_code >= 500
        if isinstance(
            cause,
            requests.exceptions.ConnectionError
            | requests.exceptions.Timeout
            | requests.exceptions.RetryError
            | requests.exceptions.ChunkedEncodingError,
        ):
            return True
        if isinstance(cause, OperationalError | InterfaceError):
            return "sqlite3" not in str(cause) or "locked" in str(cause)
    return bool(re.search(r"failed with error code 5\d\d", str(error)))


def reason(error: BaseException) -> str:
    """Why a store does not answer, in a few words."""
    text = str(error)
    if found := re.search(
        r"too many (\d{3}) error|error code (\d{3})|\b(5\d\d) Server Error", text
    ):
        return f"it answers with status {next(filter(None, found.groups()))}"
    chain = list(_chain(error))
    if any(isinstance(cause, requests.exceptions.Timeout | TimeoutError) for cause in chain):
        return f"nothing came within {os.environ[_TIMEOUT]} s"
    innermost = chain[-1]
    return str(getattr(innermost, "strerror", None) or innermost).partition("\n")[0]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from; MLflow does not always say `from`."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def viewer_command(uri: str) -> str:
    """The command that opens the runs in a browser, on this machine alone."""
    if uri.startswith("sqlite:"):
        program = shlex.quote(str(Path(sys.executable).with_name("mlflow")))
        store = shlex.quote(uri)
        return f"{program} server --host 127.0.0.1 --port 5000 --backend-store-uri {store}"
    return f"the MLflow server at {masked(uri)}"


def told(error: Exception, uri: str) -> str:
    """An error in words, a database's in its own; without the password that its URI may hold."""
    own = (str(e.orig) for e in _chain(error) if isinstance(e, DBAPIError) and e.orig)
    return masked(next(own, str(error)).replace(uri, masked(uri)))
