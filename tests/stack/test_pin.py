"""Models on a hub, in evaluations that take days: at the commit of the first look."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub import COMMIT, hub

pytestmark = pytest.mark.timeout(180)  # a process that loads transformers

NAME = "some/encoder"
PIN = """
import sys
from clism_ray.config_tasks import EntryConfig, StartConfig
from clism_ray.errors import InputError
from clism_ray.finetune.pin import _commit
try:
    print(_commit("models.there", EntryConfig(path=sys.argv[1])))
    print(_commit("model", StartConfig(path=sys.argv[1], revision="main")))
    print(_commit("model", StartConfig(path=sys.argv[2])))
    print(_commit("models.lost", EntryConfig(path="some/other")))
except InputError as error:
    print(error)
"""


def test_a_name_on_the_hub_gets_its_commit_and_a_folder_none(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    with hub(tmp_path / "model", NAME, "models") as address:
        done = subprocess.run(
            [sys.executable, "-c", PIN, NAME, str(tmp_path / "model")],
            env=os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
    one, same, folder, lost = done.stdout.splitlines()[:4]
    assert (one, same, folder) == (COMMIT, COMMIT, "None")
    assert lost.startswith("models.lost: 'some/other' cannot be loaded")
