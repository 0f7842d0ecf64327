"""Preparation from files to a prepared corpus, on a local Ray cluster."""

import dataclasses
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from errno import EDQUOT, EPERM
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray

from clism_ray import cluster, placement
from clism_ray.config_corpus import PrepareConfig, PrepareResources
from clism_ray.config_file import parse
from clism_ray.corpus import tasks
from clism_ray.corpus.card import CARD, reasons
from clism_ray.corpus.manifest import Manifest, read_manifest, verify_hashes, windows
from clism_ray.corpus.prepare import prepare
from clism_ray.corpus.samples import DROPPED, KEPT
from clism_ray.errors import InputError, Unavailable
from clism_ray.records import ALIGNED_SCHEMA, from_row
from clism_ray.report.corpus_page import draw
from clism_ray.train.storage import Node

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster"), pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
CITIES = "Rome Oslo Lima Bonn Cairo Delhi Hanoi Paris Quito Riga Sofia Tokyo".split()
LANGUAGES = {"de": ("wir sahen {} im Jahr {} .",), "es": ("vimos {} en el año {} .",)}


def sentences(language: str, count: int, seed: int) -> list[tuple[str, str]]:
    """English and translated sentences; every tenth has nothing to ask about."""
    choose = random.Random(seed)
    (pattern,) = LANGUAGES[language]
    pairs = []
    for n in range(count):
        city, year = choose.choice(CITIES), choose.randrange(1000, 9999)
        pairs.append((f"we saw {city} in the year {year} .", pattern.format(city, year)))
        if n % 10 == 9:
            pairs[-1] = (f"we saw {'nothing ' * (n % 3)}.", "vimos wir nada nichts .")
    return pairs


def corpus(folder: Path, name: str, language: str, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    path = folder / f"{name}.en-{language}.tsv.gz"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(f"{s}\t{t}\n" for s, t in pairs).encode()))
    languages = {"source_language": "en", "target_language": language}
    return {"name": name, "format": "tsv", "path": str(path), **languages}


def lines(config: PrepareConfig, split: str, language: str) -> list[tuple[str, str]]:
    """The lines of the input files of a split, as they stand there."""
    corpora = config.corpora if split == "train" else config.dev.corpora
    paths = [Path(files.path) for files in corpora if files.target_language == language]
    texts = "".join(gzip.decompress(path.read_bytes()).decode() for path in paths)
    return [
        (source, target) for source, _, target in (x.partition("\t") for x in texts.splitlines())
    ]


def small(folder: Path, **settings: Any) -> PrepareConfig:
    """Two languages, duplicates, a bad line, and a dev corpus that shares a training sentence."""
    files = [corpus(folder, "a", lang, sentences(lang, 300, 1)) for lang in LANGUAGES]
    files.append(corpus(folder, "b", "de", [*sentences("de", 40, 1), ("", "leer")]))
    dev = [corpus(folder, "dev", lang, sentences(lang, 25, 2)[:20]) for lang in LANGUAGES]
    shared = sentences("de", 300, 1)[3:5]
    dev.append(corpus(folder, "dev2", "de", shared))
    tree = {
        "output": str(folder / "prepared"),
        "corpora": files,
        "dev": {"corpora": dev},
        "shards": 3,
        "window_rows": 40,
        **settings,
    }
    return parse(PrepareConfig, tree)


@pytest.fixture(scope="module")
def prepared(
    ray_cluster: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PrepareConfig, Manifest]:
    config = small(tmp_path_factory.mktemp("small"))
    return config, prepare(config, draw)


def rows(config: PrepareConfig, split: str) -> list[Any]:
    folder = Path(config.output)
    shards = getattr(read_manifest(folder), split)
    return [from_row(row) for s in shards for row in pq.read_table(folder / s.path).to_pylist()]


def test_the_corpus_is_whole_and_nothing_else_is_left(
    prepared: tuple[PrepareConfig, Manifest],
) -> None:
    config, manifest = prepared
    folder = Path(config.output)
    assert read_manifest(folder) == manifest
    verify_hashes(folder, manifest)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("data_card.html", "data_card.json", "dev", "dropped.jsonl", "manifest.json"),
        *("tables", "train"),
    ]
    assert not list(folder.parent.glob("*.unfinished*"))
    assert sorted(manifest.tables) == ["en-de", "en-es"]


def test_row_ids_run_through_train_and_dev_without_gaps(
    prepared: tuple[PrepareConfig, Manifest],
) -> None:
    config, manifest = prepared
    ids = [row.row_id for split in ("train", "dev") for row in rows(config, split)]
    assert ids == list(range(len(ids)))
    for shard in (*manifest.train, *manifest.dev):
        file = pq.ParquetFile(Path(config.output) / shard.path)
        assert file.schema_arrow.equals(ALIGNED_SCHEMA)
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert all(0 < window.rows <= 40 for window in windows(manifest.train))


def test_rows_are_mixed_and_their_spans_hold_the_names_and_numbers(
    prepared: tuple[PrepareConfig, Manifest],
) -> None:
    train = rows(prepared[0], "train")
    assert {row.target_language for row in train[:20]} == {"de", "es"}
    for row in train:
        for span in row.spans:
            source = row.source[span.source_start : span.source_end]
            assert source == row.target[span.target_start : span.target_end]
            assert source in CITIES or source.isdecimal()


def test_no_english_sentence_is_in_both_splits(prepared: tuple[PrepareConfig, Manifest]) -> None:
    train, dev = ({row.source for row in rows(prepared[0], split)} for split in ("train", "dev"))
    assert dev
    assert not train & dev


def test_every_line_is_in_the_corpus_or_in_the_card(
    prepared: tuple[PrepareConfig, Manifest],
) -> None:
    config, _ = prepared
    card = json.loads((Path(config.output) / CARD).read_text())
    pairs, corpora = card["pairs"], card["pairs_by_corpus"]
    kept = [row for split in ("train", "dev") for row in rows(config, split)]
    for language in LANGUAGES:
        row = pairs[f"en-{language}"]
        assert row["train"] + row["dev"] == sum(r.target_language == language for r in kept)
    in_dev = {english for english, _ in lines(config, "dev", "de")}
    german = lines(config, "train", "de")
    usable = [pair for pair in german if all(pair) and pair[0] not in in_dev]
    assert pairs["en-de"]["in"] == len(german) + len(lines(config, "dev", "de"))
    assert pairs["en-de"]["empty"] == 1
    assert pairs["en-de"]["in_dev"] == len(german) - 1 - len(usable) > 0
    assert corpora["en-de a"]["duplicate"] + corpora["en-de b"]["duplicate"] == (
        len(usable) - len(set(usable))
    )
    assert {entry["file"] for entry in card["inputs"]} >= {"a.en-de.tsv.gz"}


def test_every_reason_has_samples_of_the_lines_it_dropped(
    prepared: tuple[PrepareConfig, Manifest],
) -> None:
    config, _ = prepared
    folder = Path(config.output)
    samples = [json.loads(line) for line in (folder / DROPPED).read_text().splitlines()]
    shown = Counter((f"{s['language_pair']} {s['corpus']}", s["reason"]) for s in samples)
    by_corpus = json.loads((folder / CARD).read_text())["pairs_by_corpus"]
    assert shown == Counter(
        {
            (name, k): min(n, KEPT)
            for name, row in by_corpus.items()
            for k, n in reasons(row).items()
        }
    )
    german = {("a", line): pair for line, pair in enumerate(sentences("de", 300, 1), 1)}
    for sample in samples:
        if (sample["language_pair"], sample["corpus"]) == ("en-de", "a"):
            assert german["a", sample["line"]] == (sample["source"], sample["target"])


@pytest.mark.parametrize(
    "settings",
    [{"resources": {"max_tasks": 1}}, {"resources": {"cpus_per_task": 0.5, "max_tasks": 4}}],
)
def test_tasks_paths_and_the_order_of_inputs_do_not_show_in_the_result(
    prepared: tuple[PrepareConfig, Manifest], tmp_path: Path, settings: dict[str, Any]
) -> None:
    config = small(tmp_path / "elsewhere", **settings)
    backwards = dataclasses.replace(config, corpora=config.corpora[::-1])
    manifest = prepare(backwards)
    assert manifest.content_hash == prepared[1].content_hash
    assert manifest.train == prepared[1].train
    assert manifest.tables == prepared[1].tables
    texts = [(Path(c.output) / DROPPED).read_bytes() for c in (backwards, prepared[0])]
    assert texts[0] == texts[1]


def test_a_corpus_that_is_there_is_left_alone(
    prepared: tuple[PrepareConfig, Manifest], capsys: pytest.CaptureFixture[str]
) -> None:
    config, manifest = prepared
    before = {path: path.stat().st_mtime_ns for path in Path(config.output).rglob("*")}
    assert prepare(config) == manifest
    assert "already prepared" in capsys.readouterr().err
    assert before == {path: path.stat().st_mtime_ns for path in Path(config.output).rglob("*")}


def test_another_configuration_is_refused_with_the_difference(
    prepared: tuple[PrepareConfig, Manifest],
) -> None:
    config = dataclasses.replace(prepared[0], window_rows=50)
    with pytest.raises(InputError, match="window_rows: 40 -> 50"):
        prepare(config)


def test_changed_input_is_refused_too(prepared: tuple[PrepareConfig, Manifest]) -> None:
    path = Path(prepared[0].corpora[0].path)
    content = path.read_bytes()
    try:
        path.write_bytes(gzip.compress(b"a new one .\tein neuer .\n"))
        with pytest.raises(InputError, match=r"corpora.a/a.en-de.tsv.gz.path: '[0-9a-f]{64}' -> '"):
            prepare(prepared[0])
    finally:
        path.write_bytes(content)


def test_what_a_killed_run_left_is_cleared_away(
    prepared: tuple[PrepareConfig, Manifest], tmp_path: Path
) -> None:
    config = small(tmp_path)
    debris = tmp_path / "prepared.unfinished" / "intake" / "train" / "00099-000000000001.arrow"
    debris.parent.mkdir(parents=True)
    debris.write_bytes(b"half a file")
    assert prepare(config).content_hash == prepared[1].content_hash


def test_a_share_of_the_sentences_can_be_held_out(tmp_path: Path) -> None:
    config = dataclasses.replace(
        small(tmp_path), dev=dataclasses.replace(small(tmp_path).dev, corpora=(), fraction=0.2)
    )
    manifest = prepare(config)
    train, dev = ({row.source for row in rows(config, split)} for split in ("train", "dev"))
    assert not train & dev
    assert 0.1 < len(dev) / len(train | dev) < 0.3
    assert len(manifest.dev) == 1


def refusal(config: PrepareConfig) -> str:
    with pytest.raises(InputError) as error:
        prepare(config)
    assert not Path(config.output).exists()
    assert not list(Path(config.output).parent.glob("*.unfinished*"))
    return str(error.value)


def test_a_corpus_of_which_nothing_is_left_is_refused_with_the_reasons(tmp_path: Path) -> None:
    files = corpus(tmp_path, "a", "de", [("a b", ""), ("12 3", "4 5"), ("12 3", "4 6")])
    tree = {"output": str(tmp_path / "out"), "corpora": [files]}
    message = refusal(parse(PrepareConfig, tree))
    assert message == "en-de: no pair is left of 3 lines: no_letters 2, empty 1"


def test_a_corpus_whose_pairs_are_all_held_out_is_refused_with_the_reasons(tmp_path: Path) -> None:
    pairs = [("we saw Tom", "wir sahen Tom"), ("we saw Bob", "wir sahen Bob")]
    train, dev = (corpus(tmp_path, name, "de", pairs) for name in ("a", "b"))
    tree = {"output": str(tmp_path / "out"), "corpora": [train], "dev": {"corpora": [dev]}}
    assert refusal(parse(PrepareConfig, tree)).startswith(
        "en-de: no training pair is left of 4 lines: in_dev 2, held out 2; train on other files"
    )


def test_a_corpus_without_spans_is_refused_with_the_reasons(tmp_path: Path) -> None:
    files = corpus(
        tmp_path, "a", "de", [(f"we {'do ' * n}.", f"wir {'tun ' * n}.") for n in (1, 2)]
    )
    tree = {"output": str(tmp_path / "out"), "corpora": [files]}
    assert refusal(parse(PrepareConfig, tree)) == "no train pair is left of 2 lines: no_span 2"


def test_a_file_that_breaks_off_is_refused_without_a_traceback(tmp_path: Path) -> None:
    config = small(tmp_path)
    path = Path(config.corpora[1].path)
    path.write_bytes(path.read_bytes()[:-30])
    message = refusal(config)
    assert message.startswith(f"{path}: cannot be read after line ")
    assert "\n" not in message


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    config = small(tmp_path)
    Path(config.dev.corpora[0].path).unlink()
    assert "corpus 'dev': " in refusal(config)


def test_a_dev_language_without_training_text_is_refused(tmp_path: Path) -> None:
    config = small(tmp_path)
    assert "dev corpus 'dev': en-es has no training corpus" in refusal(
        dataclasses.replace(config, corpora=config.corpora[:1])
    )


def test_two_files_whose_lines_could_not_be_told_apart_are_refused(tmp_path: Path) -> None:
    config = small(tmp_path)
    twice = dataclasses.replace(config, corpora=(*config.corpora, config.corpora[0]))
    assert "two of its files are called a.en-de.tsv.gz" in refusal(twice)


def test_a_folder_that_is_no_corpus_is_not_touched(tmp_path: Path) -> None:
    config = small(tmp_path)
    diary = Path(config.output) / "diary.txt"
    diary.parent.mkdir()
    diary.write_text("dear diary")
    with pytest.raises(InputError, match="no prepared corpus"):
        prepare(config)
    assert diary.read_text() == "dear diary"


def test_a_node_that_does_not_share_the_output_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = [Node(node["NodeID"], node["NodeManagerAddress"]) for node in ray.nodes()]
    monkeypatch.setattr(tasks, "other_nodes", lambda: nodes)  # asked as if it were another one
    config = small(tmp_path / "input")
    opened = os.open(tmp_path, os.O_RDONLY)
    own = f"/proc/self/fd/{opened}"  # a path that means something else in each process
    try:
        with pytest.raises(InputError, match=r"node 127\.0\.0\.1 (does not see|cannot write to) "):
            prepare(dataclasses.replace(config, output=f"{own}/prepared"))
    finally:
        os.close(opened)
    assert "take in" not in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["input"]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_clear_error_and_with_more_room_it_goes_on(
    prepared: tuple[PrepareConfig, Manifest],
    tmp_path: Path,
    tiny_disk: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = dataclasses.replace(small(tmp_path), output=str(tiny_disk / "prepared"))
    with pytest.raises(InputError, match="no space left on the device"):
        prepare(config)
    subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
    assert prepare(config).content_hash == prepared[1].content_hash
    assert "goes on" in capsys.readouterr().err


def test_whoever_cuts_files_takes_a_cpu_from_nobody_and_stays_off_a_head_without_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nodes = [placement.Node({"CPU": 4.0}, {"role": "data"})]
    monkeypatch.setattr(cluster, "nodes", lambda: nodes)
    assert tasks.least_cpus(PrepareResources()) == 0
    nodes.append(placement.Node({"memory": 1.0}, {}))
    assert 0 < tasks.least_cpus(PrepareResources()) < 0.1
    assert tasks.least_cpus(PrepareResources(labels={"role": "data"})) == 0


def test_a_quota_that_is_used_up_may_have_room_later() -> None:
    shown = tasks.disk_full(OSError(EDQUOT, os.strerror(EDQUOT), "a.arrow"))
    assert isinstance(shown, Unavailable)
    assert "no quota left on the device of a.arrow" in str(shown)
    assert tasks.disk_full(OSError(EPERM, os.strerror(EPERM))) is None


def test_the_job_runs_from_the_repository_without_installation(
    tmp_path: Path, prepared: tuple[PrepareConfig, Manifest]
) -> None:
    config = tmp_path / "config.yaml"
    tree = prepared[1].config
    config.write_text(json.dumps({**tree, "output": str(tmp_path / "out")}))
    environment = {k: v for k, v in os.environ.items() if k not in ("RAY_ADDRESS", "PYTHONPATH")}
    command = [sys.executable, "jobs/prepare.py", "--config", str(config)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert read_manifest(tmp_path / "out").content_hash == prepared[1].content_hash
    assert str(tmp_path / "out") in done.stdout
    stages = [line.split("  ")[0].strip() for line in done.stderr.splitlines()]
    assert stages == ["take in", "take in", "fit", "build", "number"]


def test_any_forms_of_text_are_prepared_together(tmp_path: Path) -> None:
    pairs = [sentences("de", 40, seed) for seed in range(4)]
    for n, part in enumerate(pairs[:2]):
        corpus(tmp_path / "tsv", f"part-{n}", "de", part)
    parquet = pa.table({"translation": [{"en": s, "de": t} for s, t in [*pairs[2], (None, "x")]]})
    pq.write_table(parquet, tmp_path / "a.parquet")
    unit = (
        '<tu><tuv xml:lang="en-GB"><seg>{}</seg></tuv><tuv xml:lang="de"><seg>{}</seg></tuv></tu>'
    )
    units = "".join(unit.format(*pair) for pair in pairs[3])
    (tmp_path / "a.tmx").write_text(f"<tmx><body>{units}</body></tmx>")
    tree = {
        "output": str(tmp_path / "prepared"),
        "corpora": [
            {**entry, "source_language": "en", "target_language": "de"}
            for entry in (
                {"name": "t", "format": "tsv", "path": str(tmp_path / "tsv")},
                {"name": "p", "format": "parquet", "path": str(tmp_path / "*.parquet")},
                {"name": "x", "format": "tmx", "path": (tmp_path / "a.tmx").as_uri()},
            )
        ],
    }
    config = parse(PrepareConfig, tree)
    prepare(config)
    assert {row.origin.file for row in rows(config, "train")} == {
        *("part-0.en-de.tsv.gz", "part-1.en-de.tsv.gz", "a.parquet", "a.tmx")
    }
    card = json.loads((Path(config.output) / CARD).read_text())
    assert [card["pairs_by_corpus"][f"en-de {name}"]["in"] for name in "tpx"] == [80, 41, 40]
    assert card["pairs"]["en-de"]["no_text"] == 1
    (tmp_path / "tsv/part-2.tsv").write_text("a new one .\tein neuer .\n")
    with pytest.raises(InputError, match=r"corpora\.t/part-2\.tsv: None -> "):
        prepare(config)
