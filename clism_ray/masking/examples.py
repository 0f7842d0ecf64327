"""Aligned pairs to examples: tokenise, put `[QUE]`, map answers to tokens, draw MLM masks.

Every random choice of an example comes from (seed, epoch, row id) and nothing else, so an
example is the same on whatever node, in whatever order, after whatever restart it is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clism_ray.config import MaskingConfig, TokenizerConfig
from clism_ray.masking.clism import Tokens, choose, find_questions, replace_spans
from clism_ray.masking.mlm import corrupt
from clism_ray.masking.tokenizer import QUESTION, begin_token, end_token
from clism_ray.randomness import Use, generator
from clism_ray.records import AlignedPair, Example, SpanPair

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

DROP_REASONS = (
    "source_too_many_tokens",
    "target_too_many_tokens",
    "special_token_in_text",
    "no_span_of_these_labels",
    "no_span_above_min_confidence",
    "no_span_above_min_score",
    "no_span_on_token_boundaries",
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer and those of its ids that masking needs."""

    tokenizer: "PreTrainedTokenizerFast"
    begin: int
    end: int
    mask: int
    question: int
    special: frozenset[int]  # never allowed to come out of a text, [UNK] excepted
    ordinary: NDArray[np.int64]  # ids a random replacement is drawn from


def vocabulary(tokenizer: "PreTrainedTokenizerFast") -> Vocabulary:
    """Look up a tokenizer's special ids; costs a walk over its tokens, so do it once."""
    special = frozenset(tokenizer.all_special_ids)
    begin, end = begin_token(tokenizer), end_token(tokenizer)
    assert begin is not None
    assert end is not None
    return Vocabulary(
        tokenizer=tokenizer,
        begin=begin,
        end=end,
        mask=tokenizer.mask_token_id,
        question=tokenizer.get_vocab()[QUESTION],
        special=special - {tokenizer.unk_token_id},
        ordinary=np.array([token for token in range(len(tokenizer)) if token not in special]),
    )


def make_examples(
    pairs: Sequence[AlignedPair],
    words: Vocabulary,
    limits: TokenizerConfig,
    masking: MaskingConfig,
    seed: int,
    epoch: int,
) -> list[Example | str]:
    """One example, or the reason why there is none, for each pair."""
    sources = _tokenise([pair.source for pair in pairs], words.tokenizer)
    targets = _tokenise([pair.target for pair in pairs], words.tokenizer)
    return [
        _make_example(pair, source, target, words, limits, masking, seed, epoch)
        for pair, source, target in zip(pairs, sources, targets, strict=True)
    ]


def _make_example(
    pair: AlignedPair,
    source: Tokens,
    target: Tokens,
    words: Vocabulary,
    limits: TokenizerConfig,
    masking: MaskingConfig,
    seed: int,
    epoch: int,
) -> Example | str:
    # [CLS] s [SEP] and t [SEP]: too long a pair is dropped, a cut one would lose its answers.
    if len(source.ids) + 2 > limits.max_source_tokens:
        return "source_too_many_tokens"
    if len(target.ids) + 1 > limits.max_target_tokens:
        return "target_too_many_tokens"
    if not words.special.isdisjoint(source.ids) or not words.special.isdisjoint(target.ids):
        return "special_token_in_text"
    spans = admitted(pair.spans, masking)
    if isinstance(spans, str):
        return spans
    found = find_questions(pair.source, source, pair.target, target, spans)
    if not found:
        return "no_span_on_token_boundaries"

    random = generator(Use.EXAMPLE, seed, epoch, pair.row_id)
    chosen = choose(found, masking.max_spans, random)
    questions = chosen if masking.questions else []
    masked, places = replace_spans(source.ids, questions, words.question)
    masked_source = (1, 1 + len(masked))
    target_range = (masked_source[1] + 1, masked_source[1] + 1 + len(target.ids))
    joint = [words.begin, *masked, words.end, *target.ids, words.end]
    positions = tuple(1 + place for place in places)
    answers = tuple(
        (target_range[0] + first, target_range[0] + last)
        for first, last in (question.answer for question in questions)
    )
    untouchable = set(positions)
    for first, last in answers:
        untouchable.update(range(first, last + 1))
    allowed = [
        position
        for position in (*range(*masked_source), *range(*target_range))
        if position not in untouchable
    ]
    joint_ids, mlm_positions, mlm_labels = corrupt(
        joint, allowed, masking.mlm_probability, words.mask, words.ordinary, random
    )
    return Example(
        row_id=pair.row_id,
        language=f"{pair.source_language}-{pair.target_language}",
        source_key=_key(pair.source),
        target_key=_key(pair.target),
        joint_ids=tuple(joint_ids),
        plain_ids=(words.begin, *source.ids, words.end),
        masked_source=masked_source,
        target=target_range,
        questions=positions,
        answers=answers,
        mlm_positions=tuple(mlm_positions),
        mlm_labels=tuple(mlm_labels),
    )


def admitted(spans: Sequence[SpanPair], masking: MaskingConfig) -> Sequence[SpanPair] | str:
    """The spans that may be asked about: of the labels, sure and trusted enough.

    If there is none, the reason: the first of these demands that left none.
    """
    if masking.labels is not None:
        spans = [span for span in spans if span.label in masking.labels]
        if not spans:
            return "no_span_of_these_labels"
    # As prepared corpora store them: 0.7 is not below 0.7.
    sure, trusted = np.float32(masking.min_confidence), np.float32(masking.min_score)
    spans = [span for span in spans if np.float32(span.confidence) >= sure]
    if not spans:
        return "no_span_above_min_confidence"
    spans = [span for span in spans if np.float32(span.score) >= trusted]
    return spans or "no_span_above_min_score"


def _tokenise(texts: list[str], tokenizer: "PreTrainedTokenizerFast") -> list[Tokens]:
    encoded = tokenizer(
        texts,
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
    )
    return [
        Tokens(ids, offsets)
        for ids, offsets in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    ]


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
