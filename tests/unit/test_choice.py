"""Random examples of a prepared corpus: which fit, which are chosen, and why there are none."""

from pathlib import Path

import pytest

from clism_ray.corpus import choice
from clism_ray.corpus.choice import Pointed, Wanted, choose
from clism_ray.corpus.manifest import Manifest, Window
from clism_ray.errors import InputError
from clism_ray.records import AlignedPair, Origin, SpanPair
from tests.corpora import write_corpus, write_tiny_corpus


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("tiny")
    return folder, write_tiny_corpus(folder, 300, window_rows=25)


def test_examples_are_of_different_pairs_and_another_seed_chooses_others(
    tiny: tuple[Path, Manifest],
) -> None:
    first, second = (choose(*tiny, Wanted(), 40, seed=seed) for seed in (1, 2))
    ids = [example.pair.row_id for example in first]
    assert len(set(ids)) == 40
    assert first == choose(*tiny, Wanted(), 40, seed=1)
    assert ids != [example.pair.row_id for example in second]
    assert all(example.span in example.pair.spans for example in first)


def test_all_examples_of_a_small_corpus_are_found_in_random_order(
    tiny: tuple[Path, Manifest],
) -> None:
    found = choose(*tiny, Wanted(split="dev"), 1000, seed=1)
    ids = [example.pair.row_id for example in found]
    assert sorted(ids) == list(range(300, 340))
    assert ids != sorted(ids)


@pytest.mark.parametrize("language", ["de", "en-de"])
def test_only_what_is_wanted_is_chosen(tiny: tuple[Path, Manifest], language: str) -> None:
    for label in ("name", "number"):
        wanted = Wanted(language=language, label=label, min_score=0.9)
        for pair, span in choose(*tiny, wanted, 30, seed=1):
            assert (pair.target_language, span.label) == ("de", label)


def test_no_more_windows_are_read_than_needed(
    tiny: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Window] = []
    rows = choice.read_rows

    def noted(folder: Path, window: Window, places: list[int]) -> list[AlignedPair]:
        read.append(window)
        return rows(folder, window, places)

    monkeypatch.setattr(choice, "read_rows", noted)
    choose(*tiny, Wanted(), 20, seed=1)
    assert len(read) == 1


def test_every_span_of_a_pair_has_its_turn(tmp_path: Path) -> None:
    spans = (SpanPair(0, 1, 0, 1, "name", 1.0), SpanPair(2, 3, 2, 3, "name", 1.0))
    pair = AlignedPair(0, Origin("c", "f", 1), "en", "de", "a b", "c d", spans)
    manifest = write_corpus(tmp_path, [pair])
    chosen = {choose(tmp_path, manifest, Wanted(), 1, seed)[0].span for seed in range(20)}
    assert chosen == set(spans)


def test_a_pair_is_cut_at_the_span_and_at_its_answer() -> None:
    span = SpanPair(3, 7, 0, 3, "name", 0.5, 0.25)
    pair = AlignedPair(
        9, Origin("news", "a.tsv", 4), "en", "de", "in Rome now", "Rom, jetzt", (span,)
    )
    example = Pointed(pair, span)
    assert example.source == ("in ", "Rome", " now")
    assert example.target == ("", "Rom", ", jetzt")
    said = ["en-de", "name", "score 0.50", "confidence 0.25", "news a.tsv:4"]
    assert example.described() == said
    assert Pointed(pair, span._replace(confidence=1.0)).described() == said[:3] + said[4:]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(language="fr"), "no pair is of the language 'fr'; there are: en-de, en-zh"),
        (Wanted(language="e"), "no pair is of the language 'e'"),
        (Wanted(label="PER"), "no span of the train pairs has the label 'PER'; there are: date ("),
        (
            Wanted(label="PER", language="zh", split="dev"),
            "no span of the dev pairs of zh has the label 'PER'; there are: date (",
        ),
        (
            Wanted(label="name", min_score=1.5),
            "no name span of the train pairs has a score of 1.5 or more; the highest is 1",
        ),
    ],
)
def test_what_cannot_be_found_is_answered_with_what_there_is(
    tiny: tuple[Path, Manifest], wanted: Wanted, said: str
) -> None:
    with pytest.raises(InputError) as error:
        choose(*tiny, wanted, 3, seed=1)
    assert said in str(error.value)
    assert str(tiny[0]) in str(error.value)


def test_an_empty_split_is_told(tmp_path: Path) -> None:
    pair = AlignedPair(
        0, Origin("c", "f", 1), "en", "de", "a", "b", (SpanPair(0, 1, 0, 1, "x", 1),)
    )
    manifest = write_corpus(tmp_path, [pair])
    with pytest.raises(InputError, match="there are no dev pairs; try the other --split"):
        choose(tmp_path, manifest, Wanted(split="dev"), 3, seed=1)
