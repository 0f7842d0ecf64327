"""A token classifier on a hub: read at its commit, and from the cache when offline."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clism_ray.masking.tokenizer import train_tokenizer
from tests.hub import COMMIT, hub
from tests.token_classifiers import write_classifier

pytestmark = pytest.mark.timeout(180)  # processes that load transformers

NAME = "some/tagger"
OPEN = """
import sys
from clism_ray.config_corpus import TokenClassificationConfig
from clism_ray.errors import InputError
from clism_ray.tasks.token_classifier import load_tagger, pinned
try:
    config = pinned(TokenClassificationConfig(model=sys.argv[1], revision=sys.argv[2] or None))
    print(config.revision)
    print(load_tagger(config, "cpu")(["Anna met us"], [[(0, 4), (5, 8), (9, 11)]]))
except InputError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("hub") / "model"
    write_classifier(place, train_tokenizer(["Anna met us", "we met Anna"], 60))
    return place


def opened(address: str, cache: Path, revision: str = "", offline: bool = False) -> list[str]:
    """What is printed. A process for itself: the library takes the address when it is imported."""
    settings = {"HF_ENDPOINT": address, "HF_HOME": str(cache), "HF_HUB_OFFLINE": str(int(offline))}
    command = [sys.executable, "-c", OPEN, NAME, revision]
    done = subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_model_on_the_hub_is_pinned_to_its_commit_and_then_needs_no_hub(
    folder: Path, tmp_path: Path
) -> None:
    with hub(folder, NAME, "models") as address:
        commit, spans = opened(address, tmp_path)
    assert commit == COMMIT
    assert spans.startswith("[[Span(first=")
    assert opened(address, tmp_path, revision=COMMIT, offline=True) == [commit, spans]


def test_a_model_that_is_not_in_the_cache_is_one_clear_error_when_offline(tmp_path: Path) -> None:
    (message,) = opened("http://127.0.0.1:9", tmp_path, offline=True)
    assert message.startswith(f"spans.token_classification: '{NAME}' cannot be loaded (")
