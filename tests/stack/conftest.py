"""One MLflow server for all tests of this folder that ask for one: it takes long to start."""

from collections.abc import Iterator

import pytest

from tests.mlflow_server import Server


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on this machine alone."""
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.kill()
