"""A tagger as a folder: ours, transformers' own class, and finding entities with it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    pipeline,
)

from clism_ray.corpus.words import words
from clism_ray.errors import InputError
from clism_ray.masking.examples import vocabulary
from clism_ray.masking.tokenizer import QUESTION
from clism_ray.tasks.ner_decoding import WordScores, decode, gather
from clism_ray.tasks.ner_export import SentenceLimits, Tagging, export_tagger, load_tagger
from clism_ray.tasks.ner_pipeline import EntityTagger
from clism_ray.tasks.ner_sentences import Sentence
from clism_ray.tasks.ner_tagger import lay_out
from clism_ray.tasks.ner_tags import entities
from clism_ray.tasks.ner_windows import make_windows
from clism_ray.tasks.reading import READING
from tests.model.folders import FAMILIES, TAGS, shards, tagging

ASKING = SentenceLimits(max_tokens=24, overlap=8)
PLAIN = SentenceLimits(max_tokens=24, overlap=8, with_question_token=False)
WORD_BY_WORD = SentenceLimits(max_tokens=24, overlap=8, constrained=False)
TEXTS = ["Anna sold one to Oslo.", "the a is b and c is d and e is f and g is h and i is j .", ""]

Export = Callable[[str, SentenceLimits], tuple[Path, Tagging]]


@pytest.fixture
def export(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> Export:
    """Make a tagger, export it, and give the folder and what was exported."""

    def make(family: str, limits: SentenceLimits) -> tuple[Path, Tagging]:
        tagger = tagging(family, tokenizer, tmp_path / "start")
        folder = tmp_path / "tuned"
        export_tagger(folder, tagger, shards(tagger), tokenizer, TAGS, limits, "# a card\n")
        return folder, Tagging(tagger, vocabulary(tokenizer), TAGS, limits)

    return make


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in words(text)]


def scores(tagging: Tagging) -> list[np.ndarray]:
    tagger, vocabulary, tags, limits = tagging
    sentences = [Sentence(text, tuple(split(text)), ()) for text in TEXTS]
    windows, counts = make_windows(
        sentences,
        vocabulary,
        None,
        max_tokens=limits.max_tokens,
        overlap=limits.overlap,
        question=limits.with_question_token,
    )
    assert counts["sentence_in_several_windows"] == 1
    batch = lay_out(windows)
    with torch.no_grad():
        made = tagger(batch).numpy()
    return gather(
        [WordScores(batch.sentence_W.numpy(), batch.word_W.numpy(), made)], sentences, len(tags)
    )


@pytest.mark.parametrize("limits", [ASKING, PLAIN])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_loaded_tagger_scores_as_before(
    family: str, limits: SentenceLimits, export: Export
) -> None:
    folder, before = export(family, limits)
    after = load_tagger(folder)
    assert after.tags.tags == TAGS.tags
    assert after.limits == limits
    for one, other in zip(scores(before), scores(after), strict=True):
        assert np.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("limits", [ASKING, PLAIN])
@pytest.mark.parametrize("family", ["xlm-roberta", "bert"])
def test_transformers_own_class_gives_the_same_scores(
    family: str, limits: SentenceLimits, export: Export
) -> None:
    folder, before = export(family, limits)
    theirs = AutoModelForTokenClassification.from_pretrained(folder).eval()
    assert theirs.config.id2label == dict(enumerate(TAGS.tags))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    given = split(TEXTS[0]) + [QUESTION] * limits.with_question_token
    encoded = tokenizer(given, is_split_into_words=True, return_tensors="pt")
    places = [encoded.word_to_tokens(0, n).start for n in range(len(split(TEXTS[0])))]
    with torch.no_grad():
        made = theirs(encoded["input_ids"], encoded["attention_mask"]).logits[0, places]
    assert np.allclose(made.numpy(), scores(before)[0], atol=1e-4)


def test_transformers_pipeline_names_our_tags(export: Export) -> None:
    folder, _ = export("bert", PLAIN)
    found = pipeline("token-classification", model=str(folder))(TEXTS[1])
    assert {each["entity"] for each in found} <= set(TAGS.tags)
    assert found


def test_the_folder_says_whether_que_is_to_be_put(export: Export) -> None:
    for limits in (ASKING, PLAIN):
        folder, _ = export("bert", limits)
        card = (folder / "README.md").read_text()
        assert card.startswith("# a card\n")
        assert ("[CLS] words [QUE] [SEP]" in card) is limits.with_question_token
        reading = json.loads((folder / READING).read_text())
        assert reading == {
            "task": "entities",
            "types": ["LOC", "PER"],
            "windows": {
                "max_tokens": 24,
                "overlap": 8,
                "with_question_token": limits.with_question_token,
                "constrained": True,
            },
        }


@pytest.mark.parametrize("limits", [ASKING, PLAIN, WORD_BY_WORD])
def test_entities_are_those_of_the_best_tags_with_their_places(
    limits: SentenceLimits, export: Export
) -> None:
    folder, before = export("xlm-roberta", limits)
    tagger = EntityTagger(folder, micro_batch=1)
    expected = [
        entities(decode(each, TAGS, constrained=limits.constrained).tags) for each in scores(before)
    ]
    assert any(expected)
    assert any(entity.first < entity.last for each in expected for entity in each)
    found = tagger.each(TEXTS)
    for text, places, got in zip(TEXTS, expected, found, strict=True):
        assert [(e["first_word"], e["last_word"], e["entity_group"]) for e in got] == places
        assert all(text[e["start"] : e["end"]] == e["word"] for e in got)
        assert all(0 < e["score"] <= 1 for e in got)
        of_words = tagger(split(text))
        assert [e["word"] for e in of_words] == [
            " ".join(split(text)[first : last + 1]) for first, last, _ in places
        ]
        assert all("start" not in e for e in of_words)
        assert tagger(text) == got


@pytest.mark.parametrize("limits", [ASKING, PLAIN])
def test_the_score_is_the_mean_probability_of_the_tags(
    limits: SentenceLimits, export: Export
) -> None:
    folder, before = export("bert", limits)
    found = EntityTagger(folder).each(TEXTS)
    assert any(found)
    for logits, each in zip(scores(before), found, strict=True):
        for entity in each:
            words_of = range(entity["first_word"], entity["last_word"] + 1)
            marks = "B" + "I" * (len(words_of) - 1)
            chances = torch.from_numpy(logits).softmax(1)
            columns = [TAGS.tags.index(f"{mark}-{entity['entity_group']}") for mark in marks]
            mean = chances[list(words_of), columns].mean()
            assert entity["score"] == pytest.approx(float(mean), abs=1e-4)


def test_folders_of_no_tagger_are_refused(export: Export, tmp_path: Path) -> None:
    def told(folder: Path) -> str:
        with pytest.raises(InputError) as error:
            load_tagger(folder)
        return str(error.value)

    assert "no such folder" in told(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    assert "no fine-tuned model (reading.json is not in it)" in told(tmp_path / "empty")
    folder, _ = export("xlm-roberta", ASKING)
    reading = folder / READING
    whole = reading.read_text()
    for old, new, message in [
        ('"entities"', '"answers"', "the model is for 'answers', expected 'entities'"),
        ('"LOC",', "", "3 tags and max_tokens 24, but the model has 5 tags and 60 positions"),
        (": 24", ": 61", "5 tags and max_tokens 61, but the model has 5 tags and 60 positions"),
        ('"overlap": 8', '"overlap": true', "windows.overlap: Input should be a valid integer"),
    ]:
        assert old in whole
        reading.write_text(whole.replace(old, new))
        assert message in told(folder)
    reading.write_text(whole)
    config = folder / "config.json"
    config.write_text(config.read_text().replace("TokenClassification", "MaskedLM"))
    (folder / "model.safetensors").unlink()
    assert "cannot be loaded" in told(folder)
