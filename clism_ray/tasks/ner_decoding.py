"""Scores of tags to tags: the words of a sentence together again, then the likeliest tags."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clism_ray.errors import RunFailed
from clism_ray.tasks.ner_sentences import Sentence
from clism_ray.tasks.ner_tags import OUTSIDE, TagSet, repaired

Floats = NDArray[np.float32]


class WordScores(NamedTuple):
    """What the model made of one micro-batch, words in any order (W words, C tags)."""

    sentence_W: NDArray[np.int64]  # -1: a dummy
    word_W: NDArray[np.int64]
    scores_WC: Floats


class Tagged(NamedTuple):
    """One sentence's predicted tags: valid IOB2, one for each word."""

    tags: list[str]
    repairs: int  # I- that began an entity and became B-; 0 if decoding was constrained


def gather(parts: Iterable[WordScores], sentences: Sequence[Sentence], tags: int) -> list[Floats]:
    """Each sentence's scores, words x tags. Every word must have come exactly once.

    Raises RunFailed for scores that are no finite numbers.
    """
    if not sentences:
        return []
    lengths = [len(sentence.words) for sentence in sentences]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    scores = np.empty((starts[-1], tags), np.float32)
    seen = np.zeros(starts[-1], np.int64)
    for part in parts:
        real = part.sentence_W >= 0
        places = starts[part.sentence_W[real]] + part.word_W[real]
        scores[places] = part.scores_WC[real]
        np.add.at(seen, places, 1)
    assert (seen == 1).all(), f"{(seen == 0).sum()} words without scores, {(seen > 1).sum()} twice"
    if not np.isfinite(scores).all():
        raise RunFailed("the model's scores are not finite numbers; training has diverged")
    return np.split(scores, starts[1:-1])


def decode(scores_nC: Floats, tags: TagSet, *, constrained: bool = True) -> Tagged:
    """The likeliest tags of one sentence.

    Args:
        scores_nC: logits or log-probabilities; a constant added to a word's scores changes nothing.
        tags: names the columns.
        constrained: the best of all valid IOB2 sequences (Viterbi). If not, each word's best tag,
            and an `I-` that begins an entity read as `B-`, which is what most published results do.
    """
    if constrained:
        return Tagged([tags.tags[best] for best in viterbi(scores_nC, tags)], 0)
    return Tagged(*repaired([tags.tags[best] for best in scores_nC.argmax(1)]))


def viterbi(scores_nC: Floats, tags: TagSet) -> list[int]:
    """The tag numbers with the highest sum of scores in which `I-X` follows `B-X` or `I-X` only."""
    if not len(scores_nC):
        return []
    barred_CC = _barred(tags)
    best_C = np.where(barred_CC[0], -np.inf, scores_nC[0])  # a sentence begins as after O
    back_nC = []
    for scores_C in scores_nC[1:]:
        reached_CC = np.where(barred_CC, -np.inf, best_C[:, None])
        back_nC.append(reached_CC.argmax(0))
        best_C = reached_CC.max(0) + scores_C
    path = [int(best_C.argmax())]
    for back_C in reversed(back_nC):
        path.append(int(back_C[path[-1]]))
    return path[::-1]


def _barred(tags: TagSet) -> NDArray[np.bool_]:
    """[before, after]: whether `after` must not follow `before`. Number 0 is `O`."""
    assert tags.tags[0] == OUTSIDE
    return np.array(
        [
            [after[0] == "I" and before[2:] != after[2:] for after in tags.tags]
            for before in tags.tags
        ]
    )
