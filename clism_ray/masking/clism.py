"""Cross-lingual language-informative span masking: spans of the source become `[QUE]`.

The source is tokenised once. Its tokens under a chosen span are replaced by one `[QUE]`, so the
rest of the masked source is token for token the plain one, whatever the tokenizer.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clism_ray.records import SpanPair


class Tokens(NamedTuple):
    """One sentence's token ids, without special tokens, and each token's characters."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class Question(NamedTuple):
    """A span pair in tokens: half-open in the source, inclusive (first, last) in the target."""

    source: tuple[int, int]
    answer: tuple[int, int]


def locate(text: str, tokens: Tokens, start: int, end: int) -> tuple[int, int] | None:
    """The tokens `[first, last + 1)` that hold exactly the characters `[start, end)` of the text.

    None if the span begins or ends inside a token. White space at the rim does not count: some
    tokenizers give a token the space before it.
    """
    inside = [
        index for index, (begin, stop) in enumerate(tokens.offsets) if begin < end and stop > start
    ]
    if not inside:
        return None
    covered = text[tokens.offsets[inside[0]][0] : tokens.offsets[inside[-1]][1]]
    if covered.strip() != text[start:end].strip():
        return None
    return inside[0], inside[-1] + 1


def find_questions(
    source: str,
    source_tokens: Tokens,
    target: str,
    target_tokens: Tokens,
    spans: Sequence[SpanPair],
) -> list[Question]:
    """The span pairs that fall on token boundaries on both sides, in source order."""
    questions = []
    for span in spans:
        asked = locate(source, source_tokens, span.source_start, span.source_end)
        answer = locate(target, target_tokens, span.target_start, span.target_end)
        if asked and answer:
            questions.append(Question(asked, (answer[0], answer[1] - 1)))
    return questions


def choose(questions: Sequence[Question], most: int, random: np.random.Generator) -> list[Question]:
    """At most `most` of the questions, any subset equally likely, in source order."""
    if len(questions) <= most:
        return list(questions)
    kept = random.choice(len(questions), size=most, replace=False)
    return [questions[index] for index in sorted(kept)]


def replace_spans(
    ids: Sequence[int], questions: Sequence[Question], question_id: int
) -> tuple[list[int], list[int]]:
    """The masked source and the position of each question's `[QUE]` in it (paper, 3.1)."""
    masked: list[int] = []
    positions = []
    done = 0
    for question in questions:
        first, stop = question.source
        masked.extend(ids[done:first])
        positions.append(len(masked))
        masked.append(question_id)
        done = stop
    masked.extend(ids[done:])
    return masked, positions
