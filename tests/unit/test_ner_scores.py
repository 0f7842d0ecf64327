"""Scores of entities from counts by sentence and type."""

import numpy as np
import pytest

from clism_ray.tasks.ner_scores import entity_counts, entity_scores, f1

TYPES = ("LOC", "PER")


def test_a_known_answer() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"], ["O"]]
    predicted = [["B-PER", "O", "O", "B-LOC"], ["B-PER", "B-LOC"], ["O"]]
    counts = entity_counts(gold, predicted, TYPES)
    assert counts.tolist() == [[[1, 1, 1], [0, 1, 1]], [[0, 1, 1], [0, 1, 0]], [[0] * 3] * 2]
    scores = entity_scores(counts, TYPES)
    assert scores["LOC"] == (50, 50, 50, 2)
    assert scores["PER"] == (0, 0, 0, 1)
    assert scores["micro"] == pytest.approx((25, 100 / 3, 200 / 7, 3))


def test_gold_tags_score_100_and_nothing_at_all_scores_0() -> None:
    gold = [["B-PER", "I-PER"], ["O"]]
    assert f1(entity_counts(gold, gold, TYPES).sum((0, 1))) == 100
    assert f1(np.zeros((4, 3))).tolist() == [0, 0, 0, 0]


def test_sentences_and_tags_must_match() -> None:
    with pytest.raises(ValueError, match="1 tags predicted for 2 words"):
        entity_counts([["O", "O"]], [["O"]], TYPES)
    with pytest.raises(ValueError, match="zip"):
        entity_counts([["O"]], [], TYPES)
