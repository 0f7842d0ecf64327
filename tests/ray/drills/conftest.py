"""What drills share: a corpus, a run that nothing happened to, nodes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from tests.corpora import write_tiny_corpus
from tests.drilled_run import LONG, configuration, folder, run_to_end
from tests.drills import DRILL, row
from tests.nodes import cluster_of


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "tiny"
    write_tiny_corpus(path, rows=1000)
    return path


@pytest.fixture(scope="session")
def undisturbed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one worker that is left alone."""
    config = configuration(corpus, tmp_path_factory.mktemp("undisturbed"), workers=1)
    run_to_end(config)
    return folder(config)


@pytest.fixture(scope="session")
def long_undisturbed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for a long run."""
    config = configuration(corpus, tmp_path_factory.mktemp("long"), workers=1, steps=LONG)
    run_to_end(config)
    return folder(config)


@pytest.fixture
def record(
    record_property: Callable[[str, object], None],
) -> Callable[..., None]:
    """Check what a drill left against an undisturbed run, and keep a row of the table."""

    def keep(what: str, run: Path, undisturbed: Path, **more: Any) -> None:
        record_property(DRILL, row(what, run, undisturbed, **more))

    return keep


@pytest.fixture
def nodes(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A first node for data, to which others are added; a parameter is what it has."""
    with cluster_of(getattr(request, "param", {"num_cpus": 1})) as cluster:
        yield cluster
