"""Hugging Face datasets: saved to disk, in folders like those of the hub, and on no hub at all."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest

from clism_ray.corpus.files import content, file_names, files_of
from clism_ray.corpus.read import read_pairs
from clism_ray.records import Origin, SentencePair
from tests.hub import COMMIT, hub
from tests.parallel_text import corpus, refusal, texts

ROWS = [{"en": "one", "de": "eins"}, {"en": "two", "de": "zwei"}, {"en": "three", "de": None}]
EXPECTED = [("one", "eins"), ("two", "zwei"), "no_text"]
CARD = """---
configs:
- config_name: de-en
  data_files:
  - {split: train, path: data/train-*}
  - {split: test, path: data/test-*}
- config_name: de-fr
  data_files:
  - {split: train, path: data/test-*}
---
"""


@pytest.fixture(autouse=True, scope="module")
def quiet_and_apart(tmp_path_factory: pytest.TempPathFactory) -> Any:
    cache, datasets.config.HF_DATASETS_CACHE = (
        datasets.config.HF_DATASETS_CACHE,
        tmp_path_factory.mktemp("cache"),
    )
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()
    datasets.config.HF_DATASETS_CACHE = cache


def dataset(rows: list[dict[str, Any]] = ROWS) -> datasets.Dataset:
    features = datasets.Features({"translation": datasets.Translation(languages=["de", "en"])})
    return datasets.Dataset.from_dict({"translation": rows}, features=features)


@pytest.fixture
def hub_like(tmp_path: Path) -> Path:
    """A folder like that of OPUS-100 on the hub: a card that names subsets, and Parquet files."""
    folder = tmp_path / "opus"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    dataset().to_parquet(folder / "data/train-0.parquet")
    dataset(ROWS[:1]).to_parquet(folder / "data/test-0.parquet")
    return folder


def test_a_saved_dataset_is_read_row_by_row(tmp_path: Path) -> None:
    dataset().save_to_disk(tmp_path / "saved")
    files = corpus(tmp_path / "saved", "huggingface")
    assert texts(files) == EXPECTED
    assert next(iter(read_pairs(files))) == SentencePair(
        Origin("c", "saved", 1), "en", "de", "one", "eins"
    )
    message = refusal(corpus(tmp_path / "saved", "huggingface", split="test"))
    assert "holds a single split; leave split out" in message
    message = refusal(corpus(tmp_path / "saved", "huggingface", target_language="fr"))
    assert (
        f"{tmp_path / 'saved'}: no column 'translation.fr'; the columns are translation" in message
    )


def test_a_saved_dataset_of_splits_gives_the_one_asked_for(tmp_path: Path) -> None:
    splits = datasets.DatasetDict({"train": dataset(), "test": dataset(ROWS[:1])})
    splits.save_to_disk(tmp_path / "saved")
    assert texts(corpus(tmp_path / "saved", "huggingface")) == EXPECTED
    assert texts(corpus(tmp_path / "saved", "huggingface", split="test")) == EXPECTED[:1]
    message = refusal(corpus(tmp_path / "saved", "huggingface", split="dev"))
    assert "no split 'dev'; it has train, test" in message
    assert "no subsets" in refusal(corpus(tmp_path / "saved", "huggingface", subset="de-en"))


def test_a_folder_like_those_of_the_hub_is_read_by_subset_and_split(hub_like: Path) -> None:
    files = corpus(hub_like, "huggingface", subset="de-en")
    assert texts(files) == EXPECTED
    test = corpus(hub_like, "huggingface", subset="de-en", split="test")
    assert texts(test) == EXPECTED[:1]
    assert file_names([files, test]) == [("opus/de-en",), ("opus/de-en/test",)]
    message = refusal(corpus(hub_like, "huggingface", subset="de-en", split="no"))
    assert "Available splits: ['train', 'test']" in message
    message = refusal(corpus(hub_like, "huggingface", subset="en-xx"))
    assert "'en-xx' not found. Available: ['de-en', 'de-fr']" in message


def test_a_changed_folder_has_another_hash(hub_like: Path) -> None:
    (files,) = files_of(corpus(hub_like, "huggingface", subset="de-en"))
    size, before = content(files, files.path)
    assert size == sum(path.stat().st_size for path in hub_like.rglob("*") if path.is_file())
    (hub_like / ".cache").write_text("not part of it")
    assert content(files, files.path) == (size, before)
    dataset(ROWS[:2]).to_parquet(hub_like / "data/train-0.parquet")
    assert content(files, files.path)[1] != before


def test_a_damaged_file_of_a_dataset_is_refused(hub_like: Path) -> None:
    path = hub_like / "data/train-0.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    message = refusal(corpus(hub_like, "huggingface", subset="de-en"))
    assert f"corpus 'c': {hub_like}: cannot be read after row 0 (" in message


def test_what_can_be_no_dataset_is_refused_without_asking_the_hub(tmp_path: Path) -> None:
    assert "no such folder, and no name of a dataset" in refusal(
        corpus(tmp_path / "none", "huggingface")
    )
    message = refusal(corpus(tmp_path, "huggingface", revision="main"))
    assert "revision is for names on the hub; this is a folder" in message


def test_a_commit_is_taken_as_it_is_without_asking_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clism_ray.corpus.readers.huggingface.HfApi", None)
    asked = corpus("some/opus", "huggingface", subset="de-en", revision=COMMIT)
    assert files_of(asked) == [asked]


READ = """
import sys
from clism_ray.corpus.files import content, files_of
from clism_ray.corpus.read import read_pairs
from clism_ray.errors import InputError
from tests.parallel_text import corpus, texts
try:
    files = corpus(sys.argv[1], "huggingface", subset=sys.argv[2])
    print(texts(files))
    (pinned,) = files_of(files)
    print(*content(pinned, pinned.path))
except InputError as error:
    print(error)
"""


def read_from_hub(address: str, name: str, subset: str, cache: Path) -> list[str]:
    """What is printed. A process for itself: the library takes the address when it is imported."""
    environment = {
        **os.environ,
        **{"HF_ENDPOINT": address, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "0"},
    }
    command = [sys.executable, "-c", READ, name, subset]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_dataset_on_the_hub_is_read_at_its_commit(hub_like: Path, tmp_path: Path) -> None:
    with hub(hub_like, "some/opus") as address:
        read, of_what = read_from_hub(address, "some/opus", "de-en", tmp_path)
        assert read == str(EXPECTED)
        assert of_what == f"0 {COMMIT}"
        (message,) = read_from_hub(address, "no/opus", "de-en", tmp_path)
    assert message.startswith("corpus 'c': no/opus: no such folder, and the hub cannot give it (")
    assert "Repository Not Found" in message


def test_a_hub_that_cannot_be_reached_is_one_clear_error(tmp_path: Path) -> None:
    closed = "http://127.0.0.1:9"
    (message,) = read_from_hub(closed, "nobody/nothing", "de-en", tmp_path)
    assert message.startswith("corpus 'c': nobody/nothing: no such folder, and the hub cannot")
    assert "Connection refused" in message
