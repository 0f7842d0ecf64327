"""Preparations that are killed go on, and nothing of it shows in what they make."""

import dataclasses
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from clism_ray.config_corpus import CleaningConfig, PrepareConfig, PrepareResources
from clism_ray.config_file import load
from clism_ray.corpus import cuts, sharding
from clism_ray.corpus import prepare as preparation
from clism_ray.corpus.card import CARD
from clism_ray.corpus.manifest import read_manifest
from clism_ray.corpus.prepare import prepare
from clism_ray.corpus.unfinished import folder_of, held
from clism_ray.errors import InputError
from tests.preparations import FEW_LINES, assert_same_and_tidy, write_config
from tests.started import killed_at_last

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
LINES = {"de": 12_000, "es": 3_000}  # German is two chunks
STAGES = {  # what is there when a stage has begun and, in all likelihood, not ended
    "take in": "intake/0*.json",
    "fit": "tables/*.part",
    "build": "built/train/*.json",
    "copy": "copies/*.json",
    "number": "train/shard-*.parquet",
}
STARTS = (
    *((preparation, "_fit"), (sharding, "build"), (sharding, "copy"), (sharding, "number")),
    (preparation, "write_manifest"),
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_config(tmp_path_factory.mktemp("again"), LINES, shards=12)


@pytest.fixture(scope="module")
def undisturbed(config: Path) -> Path:
    with driver(config) as process:
        assert process.wait() == 0
    return (config.parent / "prepared").rename(config.parent / "undisturbed")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> PrepareConfig:
    return load(PrepareConfig, write_config(tmp_path_factory.mktemp("small"), FEW_LINES, shards=4))


@pytest.fixture(scope="module")
def small_undisturbed(ray_cluster: None, small: PrepareConfig) -> Path:
    prepare(small)
    output = Path(small.output)
    return output.rename(output.with_name("undisturbed"))


def driver(config: Path, *overrides: str) -> AbstractContextManager["subprocess.Popen[str]"]:
    command = [sys.executable, "jobs/prepare.py", "--config", str(config), *overrides]
    return killed_at_last(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True))


def wait_for(pattern: str, config: Path, process: subprocess.Popen[str]) -> None:
    folder = folder_of(config.parent / "prepared")
    while not list(folder.glob(f"*/{pattern}")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_interrupted_before_every_stage_it_goes_on_to_the_same_bytes(
    small: PrepareConfig,
    small_undisturbed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Path(small.output)
    monkeypatch.setattr(cuts, "PART_PAIRS", 40)  # undisturbed, it was built in whole buckets
    for module, stage in STARTS:
        with monkeypatch.context() as patch:
            patch.setattr(module, stage, interrupt)
            with pytest.raises(KeyboardInterrupt):
                prepare(small)
        assert not output.exists()
    capsys.readouterr()
    prepare(dataclasses.replace(small, resources=PrepareResources(max_tasks=1)))
    told = capsys.readouterr().err
    assert "goes on where an earlier run stopped" in told
    assert told.count("by an earlier run") == 4  # take in twice, build, copy
    assert_same_and_tidy(output, small_undisturbed)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_missing_is_made_again(
    small: PrepareConfig, small_undisturbed: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(cuts, "PART_PAIRS", 40)
    with monkeypatch.context() as patch:
        patch.setattr(preparation, "write_manifest", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare(small)
    output, choose = Path(small.output), random.Random(seed)
    (pieces,) = (path for path in folder_of(output).iterdir() if path.is_dir())
    assert (pieces / "built" / "train" / "00000-01.parquet").is_file()
    for record in sorted(pieces.rglob("*.json")):
        if record.parent.name != "en-de" and choose.random() < 0.5:
            record.unlink()
    for shard in sorted(pieces.glob("*/shard*")):
        if choose.random() < 0.5:
            shard.unlink()
    shutil.rmtree(pieces / "tables" / "en-es")
    prepare(small)
    assert_same_and_tidy(output, small_undisturbed)


def test_what_other_settings_left_is_not_used(
    small: PrepareConfig,
    small_undisturbed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = dataclasses.replace(small, cleaning=CleaningConfig(max_characters=30))
    with monkeypatch.context() as patch:
        patch.setattr(sharding, "number", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare(other)
    prepare(small)
    assert "made_of.cleaning.max_characters: 30 -> 1000" in capsys.readouterr().err
    assert_same_and_tidy(Path(small.output), small_undisturbed)


@pytest.mark.drill
@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_driver_goes_on_to_the_same_bytes(
    config: Path, undisturbed: Path, stage: str
) -> None:
    output = config.parent / "prepared"
    with driver(config) as process:
        wait_for(STAGES[stage], config, process)
        with pytest.raises(InputError, match=f"driven by process {process.pid}"), held(output):
            pass
        process.send_signal(signal.SIGKILL)
    assert not output.exists()
    shards = {path.name: path.stat().st_mtime_ns for path in folder_of(output).rglob("shard*t")}
    with driver(config, "resources.max_tasks=1") as process:
        told = process.communicate()[1]
        assert process.returncode == 0, told
    assert "goes on where an earlier run stopped" in told
    if stage not in ("take in", "fit"):  # there the kill may come before a task has ended
        assert "by an earlier run" in told
    times = {path.name: path.stat().st_mtime_ns for path in (output / "train").glob("shard*t")}
    assert shards.items() <= times.items()
    assert_same_and_tidy(config.parent / "prepared", undisturbed)


@pytest.mark.drill
def test_killed_workers_do_not_show(config: Path, undisturbed: Path) -> None:
    killed = 0
    with driver(config) as process:
        for stage in ("take in", "fit", "build", "copy"):
            wait_for(STAGES[stage], config, process)
            working = [
                child
                for child in psutil.Process(process.pid).children(recursive=True)
                if child.name().startswith("ray::MapBatches")
            ]
            for worker in working[:1]:
                worker.kill()
                killed += 1
        told = process.communicate()[1]
        assert process.returncode == 0, told
    assert killed >= 2
    assert_same_and_tidy(config.parent / "prepared", undisturbed)


@pytest.mark.drill
def test_killed_again_and_again_it_ends(config: Path, undisturbed: Path) -> None:
    kills = 0
    while True:
        with driver(config) as process:
            try:
                process.wait(6 + kills)
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
                continue
            assert process.returncode == 0
            break
    assert kills
    assert_same_and_tidy(config.parent / "prepared", undisturbed)


def test_small_language_pairs_are_repeated_and_counted_apart(
    small_undisturbed: Path,
) -> None:
    manifest = read_manifest(small_undisturbed)
    card = json.loads((small_undisturbed / CARD).read_text())
    tables = [pq.read_table(small_undisturbed / shard.path) for shard in manifest.train]
    rows = [row for table in tables for row in table.to_pylist()]
    ids = [row["row_id"] for row in rows]
    assert ids == list(range(len(rows)))
    times = Counter((row["target_language"], row["corpus"], row["line"]) for row in rows)
    of = {lang: [n for key, n in times.items() if key[0] == lang] for lang in FEW_LINES}
    assert {lang: len(numbers) for lang, numbers in of.items()} == {
        lang: card["pairs"][f"en-{lang}"]["train"] for lang in FEW_LINES
    }
    repeat = (len(of["de"]) / len(of["es"])) ** (1 - 1 / 3)
    assert set(of["de"]) == {1}
    assert set(of["es"]) == {int(repeat), int(repeat) + 1}
    assert sum(of["es"]) / len(of["es"]) == pytest.approx(repeat, rel=0.1)
    assert card["copies"] == {"en-es": sum(of["es"]) - len(of["es"])}
    spanish = [row["line"] for row in rows if row["target_language"] == "es"]
    beside = sum(before == after for before, after in pairwise(spanish))
    assert beside < 0.1 * len(spanish)
