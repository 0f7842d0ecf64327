"""From windows to tags: the micro-batch, the model, its loss, and decoding."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from clism_ray.config import ModelConfig, ScratchConfig
from clism_ray.masking.examples import vocabulary
from clism_ray.model.encoder import load_masked_lm
from clism_ray.records import IGNORED
from clism_ray.tasks.ner_decoding import WordScores, decode, gather
from clism_ray.tasks.ner_sentences import Sentence
from clism_ray.tasks.ner_tagger import TagBatch, Tagger, lay_out, tag_loss
from clism_ray.tasks.ner_tags import TagSet, entities, repaired
from clism_ray.tasks.ner_windows import Window, make_windows

TAGS = TagSet(["PER", "LOC"])
NAMES = ("Anna", "Beslu", "Oslo")
SENTENCES = [
    Sentence(str(n), (*("the",) * n, name, "sold", "it"), (*("O",) * n, f"B-{kind}", "O", "O"))
    for n, (name, kind) in enumerate(zip(NAMES, ("PER", "PER", "LOC"), strict=True))
]
SCORES = st.lists(
    st.lists(st.integers(-20, 20), min_size=len(TAGS), max_size=len(TAGS)), min_size=1, max_size=5
).map(lambda rows: np.array(rows, np.float32))


@pytest.fixture(scope="module")
def windows(tokenizer: PreTrainedTokenizerFast) -> list[Window]:
    return make_windows(SENTENCES, vocabulary(tokenizer), TAGS, max_tokens=16, overlap=4)[0]


@pytest.fixture
def tagger(tokenizer: PreTrainedTokenizerFast) -> Tagger:
    torch.manual_seed(1)
    shape = ScratchConfig(layers=1, hidden=16, heads=2, intermediate=32, dropout=0.0)
    masked_lm = load_masked_lm(ModelConfig(scratch=shape), tokenizer, 128)
    return Tagger(masked_lm, len(TAGS), dropout=0.0, precision="fp32")


def scores_of(tagger: Tagger, batch: TagBatch) -> WordScores:
    with torch.no_grad():
        return WordScores(batch.sentence_W.numpy(), batch.word_W.numpy(), tagger(batch).numpy())


def test_a_micro_batch_points_at_the_first_token_of_every_word(windows: list[Window]) -> None:
    batch = lay_out(windows)
    assert batch.offsets[-1] == len(batch.ids_T) == sum(len(window.ids) for window in windows)
    at = 0
    for offset, window in zip(batch.offsets, windows, strict=False):
        for first, label in zip(window.first_tokens, window.labels, strict=True):
            assert batch.ids_T[batch.first_token_W[at]] == window.ids[first]
            assert batch.first_token_W[at] == offset + first
            assert batch.label_W[at] == label
            at += 1
    assert at == len(batch.label_W) == sum(len(sentence.words) for sentence in SENTENCES)


def test_a_word_has_the_same_scores_whatever_else_is_in_its_micro_batch(
    tagger: Tagger, windows: list[Window]
) -> None:
    together = gather([scores_of(tagger, lay_out(windows))], SENTENCES, len(TAGS))
    parts = [scores_of(tagger, lay_out([window])) for window in reversed(windows)]
    parts.append(scores_of(tagger, lay_out([])))
    for a, b in zip(together, gather(parts, SENTENCES, len(TAGS)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_an_empty_micro_batch_weighs_nothing_and_touches_every_parameter(tagger: Tagger) -> None:
    batch = lay_out([])
    loss, count = tag_loss(tagger(batch), batch.label_W)
    loss.backward()
    assert (loss.item(), count.item()) == (0, 0)
    assert all(p.grad is not None and not p.grad.any() for p in tagger.parameters())


def test_the_loss_is_a_sum_over_words_with_a_label() -> None:
    scores_WC = torch.tensor([[2.0, 0.0], [0.0, 3.0], [5.0, 5.0]])
    loss, count = tag_loss(scores_WC, torch.tensor([0, 0, IGNORED]))
    expected = np.log(1 + np.exp(-2.0)) + np.log(1 + np.exp(3.0))
    assert loss.item() == pytest.approx(expected)
    assert count.item() == 2


def test_a_tagger_learns_a_few_names(tagger: Tagger, windows: list[Window]) -> None:
    batch = lay_out(windows).to(torch.device("cpu"))
    optimizer = torch.optim.Adam(tagger.parameters(), lr=0.02)
    for _ in range(25):
        loss, count = tag_loss(tagger(batch), batch.label_W)
        optimizer.zero_grad()
        (loss / count).backward()
        optimizer.step()
    scores = gather([scores_of(tagger, batch)], SENTENCES, len(TAGS))
    for sentence, scores_nC in zip(SENTENCES, scores, strict=True):
        assert decode(scores_nC, TAGS).tags == list(sentence.tags)


def test_a_word_that_is_lost_or_comes_twice_is_noticed() -> None:
    sentences = SENTENCES[:1]
    scores = np.zeros((3, len(TAGS)), np.float32)
    part = WordScores(np.array([0, 0, 0]), np.array([0, 1, 1]), scores)
    with pytest.raises(AssertionError, match="1 words without scores, 1 twice"):
        gather([part], sentences, len(TAGS))


@settings(max_examples=40)
@given(SCORES)
def test_constrained_decoding_finds_the_best_valid_sequence(scores_nC: np.ndarray) -> None:
    found = decode(scores_nC[:3], TAGS)
    assert repaired(found.tags) == (found.tags, 0)
    valid = [
        tags
        for tags in itertools.product(TAGS.tags, repeat=len(scores_nC[:3]))
        if repaired(tags)[1] == 0
    ]
    assert total(scores_nC, found.tags) == max(total(scores_nC, tags) for tags in valid)


def total(scores_nC: np.ndarray, tags: list[str] | tuple[str, ...]) -> float:
    return sum(float(row[tag]) for row, tag in zip(scores_nC, TAGS.ids(tags), strict=False))


@settings(max_examples=40)
@given(SCORES)
def test_plain_decoding_takes_each_best_tag_and_repairs(scores_nC: np.ndarray) -> None:
    found = decode(scores_nC, TAGS, constrained=False)
    best = [TAGS.tags[index] for index in scores_nC.argmax(1)]
    assert entities(found.tags) == entities(best)
    if not found.repairs:
        assert found.tags == best
        assert total(scores_nC, decode(scores_nC, TAGS).tags) == total(scores_nC, best)


def test_a_sentence_without_words_has_no_tags() -> None:
    assert decode(np.empty((0, len(TAGS)), np.float32), TAGS).tags == []
