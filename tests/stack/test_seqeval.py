"""Scores of entities are those of seqeval, the library most published results come from."""

import random

import pytest
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from clism_ray.tasks.ner_scores import entity_counts, entity_scores
from clism_ray.tasks.ner_tags import repaired

TYPES = ("LOC", "ORG", "PER")
TAGS = ["O"] * 4 + [f"{mark}-{kind}" for mark in "BI" for kind in TYPES]
Corpus = list[list[str]]


def corpora(seed: int) -> tuple[Corpus, Corpus]:
    """Gold and predicted tags of up to 30 sentences, neither of them always valid."""
    dice = random.Random(seed)
    gold = [dice.choices(TAGS, k=dice.randint(1, 12)) for _ in range(dice.randint(1, 30))]
    wrong = dice.random()
    predicted = [
        [dice.choice(TAGS) if dice.random() < wrong else tag for tag in tags] for tags in gold
    ]
    gold[0][0] = "B-PER"  # seqeval divides by zero where there is no entity at all
    return gold, predicted


def check(gold: Corpus, predicted: Corpus, **mode: object) -> None:
    scores = entity_scores(entity_counts(gold, predicted, TYPES), TYPES)
    report = classification_report(gold, predicted, output_dict=True, zero_division=0, **mode)
    for ours, theirs in (("micro", "micro avg"), *zip(TYPES, TYPES, strict=True)):
        if theirs in report:
            reported = [report[theirs][key] for key in ("precision", "recall", "f1-score")]
            assert scores[ours][:3] == pytest.approx([100 * value for value in reported])
            assert scores[ours].gold == report[theirs]["support"]


@pytest.mark.parametrize("seed", range(20))
def test_any_tags_score_as_in_the_default_mode(seed: int) -> None:
    check(*corpora(seed))


@pytest.mark.parametrize("seed", range(20))
def test_valid_tags_score_as_in_the_strict_mode_too(seed: int) -> None:
    gold, predicted = ([repaired(tags)[0] for tags in side] for side in corpora(seed))
    check(gold, predicted, mode="strict", scheme=IOB2)
