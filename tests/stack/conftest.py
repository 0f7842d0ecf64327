"""One MLflow server for all tests of this folder that ask for one: it takes long to start."""

from collections.abc import Iterator

import pytest

from tests.mlflow_server import Server, serving


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on this machine alone."""
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server
