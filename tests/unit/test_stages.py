"""The tasks of preparation, one after the other, without Ray: what they take from each other."""

import shutil
import weakref
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.corpus import cuts, intake, near_duplicates, stages, tables
from clism_ray.corpus.inputs import inputs_of
from clism_ray.corpus.intake_stages import note_dev_texts, take_in_chunk, to_take_in
from clism_ray.corpus.linker import Aligner, Fitted, Linker
from clism_ray.corpus.pieces import once
from clism_ray.corpus.read import read_chunks
from clism_ray.corpus.samples import DROPPED
from clism_ray.corpus.spans import Finder, finder
from clism_ray.corpus.tables import Tables
from clism_ray.corpus.taken_in import Pieces, pieces, record
from clism_ray.errors import Unavailable

LANGUAGES = {"de": "wir sahen {} im Jahr {} .", "es": "vimos {} en el año {} ."}


def configuration(folder: Path, more: Sequence[Any] = (), **settings: Any) -> PrepareConfig:
    corpora = list(more)
    for language, form in LANGUAGES.items():
        path = folder / f"en-{language}.tsv"
        cities = ("Rome", "Oslo", "Lima", "Bonn")
        pairs = [
            (f"we saw {c} in the year {n} .", form.format(c, n)) for n in range(9) for c in cities
        ]
        path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs))
        languages = {"source_language": "en", "target_language": language}
        corpora.append({"name": "a", "format": "tsv", "path": str(path), **languages})
    return parse(PrepareConfig, {"output": "out", "corpora": corpora, "shards": 2, **settings})


def taken_in(folder: Path, config: PrepareConfig) -> None:
    """All chunks of the corpora, as `take_in` takes them in."""
    for corpora in ("dev", "train"):
        stored: Pieces = Counter()
        for source in inputs_of(config):
            if source.is_dev == (corpora == "dev"):
                for chunk in read_chunks(source.files, lines=10):
                    (_, of_chunk), _ = take_in_chunk(folder, config, source, chunk)
                    stored.update(of_chunk)
        once(record(folder, corpora), lambda stored=stored: (Counter(), stored))
        note_dev_texts(folder, config)


def open_finder(config: PrepareConfig, language: str) -> Finder:
    return finder(config.spans, language)


def built(folder: Path, config: PrepareConfig, bucket: int) -> int:
    """How many rows a bucket of train has when it is built."""
    counts = counts_of(folder, config, bucket)
    return sum(number for (*_, outcome), number in counts.items() if outcome == "train")


def counts_of(
    folder: Path, config: PrepareConfig, bucket: int, split: intake.Split = "train", parts: int = 1
) -> intake.Counts:
    """What became of the pairs of a bucket when all its parts are built, the last first."""
    counts: intake.Counts = Counter()
    for part in reversed(range(parts)):
        (of_part, _), _ = stages.build_part(
            folder, config, open_finder, lambda _: None, split, bucket, part, parts
        )
        counts.update(of_part)
    return counts


def test_pieces_that_a_listing_does_not_show_are_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configuration(tmp_path)
    taken_in(tmp_path, config)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "glob", lambda *_: iter(()))  # as a network file system may for a while
        assert sum(intake.read_bucket(pieces(tmp_path, "train"), n).num_rows for n in (0, 1)) == 72
    stages.fit_tables(tmp_path, config, None, "en", "de")
    pieces(tmp_path, "train")[0].unlink()
    with pytest.raises(Unavailable, match="was written and is not seen here"):
        built(tmp_path, config, 0)


def test_an_emptied_chunk_is_not_taken_for_one_without_lines(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    taken_in(tmp_path, config)
    source = inputs_of(config)[0]
    chunk = next(iter(read_chunks(source.files, lines=10)))
    emptied = to_take_in(tmp_path, source, chunk)
    assert emptied != chunk
    shutil.rmtree(tmp_path / "intake")
    with pytest.raises(Unavailable, match="was written and is not seen here"):
        take_in_chunk(tmp_path, config, source, emptied)


def test_the_english_of_dev_is_kept_out_of_train_in_either_direction(tmp_path: Path) -> None:
    path = tmp_path / "dev.tsv"
    path.write_text("damals sahen wir Rome .\tWe saw Rome in the year 3 .\n")
    languages = {"source_language": "de", "target_language": "en"}
    dev = {"name": "dev", "format": "tsv", "path": str(path), **languages}
    (tmp_path / "de-en.tsv").write_text("wir sahen Oslo .\twe saw Oslo .\n")
    train = {"name": "b", "format": "tsv", "path": str(tmp_path / "de-en.tsv"), **languages}
    config = configuration(tmp_path, [train], dev={"corpora": [dev]})
    taken_in(tmp_path, config)
    paths = pieces(tmp_path, "train")
    sources = [s for n in (0, 1) for s in intake.read_bucket(paths, n)["source"].to_pylist()]
    assert len(sources) == 71
    assert "we saw Rome in the year 3 ." not in sources


def test_without_the_texts_of_dev_nothing_is_taken_in(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    source = inputs_of(config)[0]
    with pytest.raises(Unavailable, match=r"dev_texts\.npy: was written and is not seen here"):
        take_in_chunk(tmp_path, config, source, next(iter(read_chunks(source.files))))


def test_tables_are_fitted_on_the_pieces_of_their_languages_alone(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    taken_in(tmp_path, config)
    for path in set(pieces(tmp_path, "train")) - set(pieces(tmp_path, "train", "en-es")):
        path.unlink()
    stages.fit_tables(tmp_path, config, None, "en", "es")
    with pytest.raises(Unavailable):
        stages.fit_tables(tmp_path, config, None, "en", "de")


def test_tables_are_let_go_before_others_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configuration(tmp_path)
    taken_in(tmp_path, config)
    for language in LANGUAGES:
        stages.fit_tables(tmp_path, config, None, "en", language)
    opened: list[weakref.ref[Aligner]] = []
    open_anew = tables.open_tables.__wrapped__  # without those that the process keeps

    def noted(folder: Path, encoder: Linker | None) -> Tables:
        assert not any(aligner() for aligner in opened)
        known = open_anew(folder, encoder)
        assert isinstance(known.linker, Fitted)
        opened.append(weakref.ref(known.linker.aligner))
        return known

    monkeypatch.setattr(tables, "open_tables", noted)
    built(tmp_path, config, 0)
    assert len(opened) == 2


def test_a_shard_has_the_rows_that_were_counted(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    taken_in(tmp_path, config)
    for language in LANGUAGES:
        stages.fit_tables(tmp_path, config, None, "en", language)
    rows = built(tmp_path, config, 0)
    with pytest.raises(RuntimeError, match=f"{rows + 1} rows were counted, {rows} are there"):
        stages.number_bucket(tmp_path, config, "train", 0, 1, 0, rows + 1)
    shard = stages.number_bucket(tmp_path, config, "train", 0, 1, 0, rows)
    assert sum(shard.rows_per_group) == rows
    with pytest.raises(Unavailable, match=r"00001-00\.parquet: was written and is not seen here"):
        stages.number_bucket(tmp_path, config, "train", 1, 1, rows, rows)


def test_in_how_many_parts_a_bucket_is_built_does_not_show(tmp_path: Path) -> None:
    """Not in the shard, the copies, what was counted, or the samples of what was dropped."""
    threshold = 0.8
    path = tmp_path / "alike.tsv"
    forms = (
        "in the year 1907 the old man of {} went down to the river early and saw a small {} there",
        "im Jahr 1907 ging der alte Mann von {} sehr früh an den Fluss und sah dort ein kleines {}",
    )
    said = [(city, thing) for city in ("Rome", "Bonn") for thing in ("Boot", "Pferd", "Boot")]
    path.write_text("".join("\t".join(form.format(*s) for form in forms) + "\n" for s in said))
    languages = {"source_language": "en", "target_language": "de"}
    alike = {"name": "b", "format": "tsv", "path": str(path), **languages}
    settings = {"near_duplicates": threshold}
    dev, sampling = {"fraction": 0.3}, {"temperature": 2}
    config = configuration(tmp_path, [alike], cleaning=settings, dev=dev, sampling=sampling)
    buckets = {split: cuts.buckets(config, split) for split in intake.SPLITS}
    outcomes = []
    for parts in (1, 5):
        folder = tmp_path / str(parts)
        taken_in(folder, config)
        for place in near_duplicates.places(buckets):
            near_duplicates.note_bands(folder, buckets, threshold, *place)
        for bucket in range(buckets["train"]):
            near_duplicates.meet(folder, buckets, bucket)
        for place in near_duplicates.places(buckets):
            near_duplicates.bring_texts(folder, buckets, *place)
        for language in LANGUAGES:
            stages.fit_tables(folder, config, None, "en", language)
        counts = {
            place: counts_of(folder, config, place.bucket, place.split, parts)
            for place in near_duplicates.places(buckets)
        }
        copied: Counter[int] = Counter()
        for bucket in range(buckets["train"]):
            (of_bucket,), _ = stages.copy_bucket(folder, config, {"en-es": 2.5}, bucket, parts)
            for (_, into), number in of_bucket.items():
                copied[into] += number
        shards = []
        for split, bucket in counts:
            rows = sum(n for (*_, out), n in counts[split, bucket].items() if out == split)
            rows += copied[bucket] if split == "train" else 0
            shards.append(stages.number_bucket(folder, config, split, bucket, parts, 0, rows))
        stages.gather_samples(folder)
        outcomes.append((counts, copied, shards, (folder / DROPPED).read_bytes()))
        assert len(list(folder.glob("built/*/*.parquet"))) == len(counts) * parts
    found = {outcome for of in outcomes[0][0].values() for *_, outcome in of}
    assert found >= {"train", "dev", "duplicate", "near_duplicate"}
    assert outcomes[0][1].total() > 0
    assert outcomes[0] == outcomes[1]


def test_buckets_are_cut_where_they_are_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """72 pairs of two languages in two buckets. eflomal would read all its priors in each part."""
    config = configuration(tmp_path)
    taken_in(tmp_path, config)
    monkeypatch.setattr(cuts, "PART_PAIRS", 7)
    assert cuts.parts(tmp_path, config, "train") == 6
    monkeypatch.setattr(tables, "KEPT", 1)  # so each part is of twice as many
    assert cuts.parts(tmp_path, config, "train") == 3
    monkeypatch.setattr(cuts, "FEW_TASKS", 5)
    assert cuts.parts(tmp_path, config, "train") == 2
    monkeypatch.setattr(cuts, "FEW_TASKS", 3)
    assert cuts.parts(tmp_path, config, "train") == 1
    monkeypatch.undo()
    assert cuts.parts(tmp_path, config, "train") == 1
    config = configuration(tmp_path, alignment={"method": "eflomal"})
    monkeypatch.setattr(cuts, "PART_PAIRS", 7)
    assert cuts.parts(tmp_path, config, "train") == 1
