"""Universal NER as it is: every sentence read, every word through tokens and back."""

import os
from pathlib import Path

import numpy as np
import pytest

from clism_ray.masking.examples import vocabulary
from clism_ray.masking.tokenizer import train_tokenizer
from clism_ray.tasks.ner_decoding import WordScores, decode, gather
from clism_ray.tasks.ner_scores import entity_counts, f1
from clism_ray.tasks.ner_sentences import Reading, read_sentences
from clism_ray.tasks.ner_tagger import lay_out
from clism_ray.tasks.ner_tags import TagSet
from clism_ray.tasks.ner_windows import CUT_SENTENCE, CUT_WORD, make_windows

pytestmark = pytest.mark.realdata
SENTENCES = {
    "en-ewt.train": 12_543,
    "en-ewt.dev": 2_001,
    "en-ewt.test": 2_077,
    "de-pud": 1_000,
    "zh-pud": 1_000,
    "pt-pud": 1_000,
}


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    if "CLISM_DATA" not in os.environ:
        pytest.skip("CLISM_DATA names no folder of real text")
    folder = Path(os.environ["CLISM_DATA"]) / "ner"
    return {name: read_sentences(folder / f"uner.{name}.iob2.gz", "uner") for name in SENTENCES}


def test_every_file_has_its_sentences_and_nothing_to_repair(readings: dict[str, Reading]) -> None:
    assert {name: len(reading.sentences) for name, reading in readings.items()} == SENTENCES
    assert {reading.scheme for reading in readings.values()} == {"iob2"}
    assert not any(reading.counts for reading in readings.values())
    for reading in readings.values():
        assert len({sentence.id for sentence in reading.sentences}) == len(reading.sentences)


def test_gold_tags_through_tokens_and_back_score_100(readings: dict[str, Reading]) -> None:
    sentences = [
        sentence
        for name in ("en-ewt.test", "de-pud", "zh-pud", "pt-pud")
        for sentence in readings[name].sentences
    ]
    gold = [sentence.tags for sentence in sentences]
    tokenizer = train_tokenizer((" ".join(sentence.words) for sentence in sentences[::4]), 3000)
    tags = TagSet.of(gold)
    assert tags.types == ("LOC", "ORG", "PER")
    windows, counts = make_windows(
        sentences, vocabulary(tokenizer), tags, max_tokens=64, overlap=24
    )
    assert counts[CUT_SENTENCE] > 50
    assert 0 < counts[CUT_WORD] < 10  # addresses of web pages

    batch = lay_out(windows)
    certain = np.eye(len(tags), dtype=np.float32)[batch.label_W.numpy()]
    parts = [WordScores(batch.sentence_W.numpy(), batch.word_W.numpy(), certain)]
    found = [decode(scores, tags).tags for scores in gather(parts, sentences, len(tags))]
    assert [len(tags) for tags in found] == [len(sentence.words) for sentence in sentences]
    assert f1(entity_counts(gold, found, tags.types).sum((0, 1))) == 100
