"""Sentences to token windows: `[CLS] words [QUE] [SEP]`, every word predicted exactly once.

A word's label sits on its first token. A sentence that does not fit becomes several windows that
overlap, and each of its words is predicted in the window that shows most of what surrounds it.

The paper says of `[QUE]` in entity recognition only that it is appended to the input. Here it
stands after the last word, as it stands after the question in QA (eq. 10). The classifier reads the
states of the words' tokens alone; `[QUE]` reaches them through attention.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from transformers import PreTrainedTokenizerFast

from clism_ray.errors import InputError
from clism_ray.masking.examples import Vocabulary
from clism_ray.records import IGNORED
from clism_ray.tasks.ner_sentences import Sentence
from clism_ray.tasks.ner_tags import TagSet

# What the counts of `make_windows` are called.
NO_TOKENS = "word_without_tokens"  # the tokenizer leaves nothing of it; its place is [UNK]'s
CUT_WORD = "word_cut_to_window"  # longer than a window; its first tokens stay
CUT_SENTENCE = "sentence_in_several_windows"


@dataclass(frozen=True, slots=True)
class Window:
    """A run of a sentence's words as token ids, and those of them that are predicted here."""

    sentence: int  # its place among the sentences given
    ids: tuple[int, ...]
    words: tuple[int, ...]  # places in the sentence
    first_tokens: tuple[int, ...]  # position in `ids` of each word's first token
    labels: tuple[int, ...]  # number of each word's tag, or IGNORED


class Share(NamedTuple):
    """Words `[start, stop)` of a sentence make a window; `predicted` are predicted there."""

    start: int
    stop: int
    predicted: range


def make_windows(
    sentences: Sequence[Sentence],
    vocabulary: Vocabulary,
    tags: TagSet | None,
    *,
    max_tokens: int = 128,
    overlap: int = 64,
    question: bool = True,
) -> tuple[list[Window], Counter[str]]:
    """The windows of some sentences, in order, and how often a word or sentence did not fit.

    Args:
        sentences: words may be anything, also empty or invisible.
        vocabulary: of any fast tokenizer.
        tags: numbers the labels; None labels every word IGNORED, for files of other types.
        max_tokens: of a window, special tokens included.
        overlap: at most so many tokens of a window are repeated from the one before.
        question: whether `[QUE]` is appended.

    Raises InputError for an entity type that is not in `tags`, and for windows without room.
    """
    closing = (vocabulary.question, vocabulary.end) if question else (vocabulary.end,)
    room = max_tokens - 1 - len(closing)
    if room < 1 or overlap < 0:
        raise InputError(
            f"max_tokens {max_tokens}, overlap {overlap}: a window takes at least "
            f"{2 + len(closing)} tokens, and overlap 0 or more"
        )
    counts: Counter[str] = Counter()
    words = [word for sentence in sentences for word in sentence.words]
    ids_of = _word_tokens(set(words), vocabulary.tokenizer)
    windows = []
    for place, sentence in enumerate(sentences):
        pieces = [_fit(ids_of[word], room, vocabulary, counts) for word in sentence.words]
        labels = tags.ids(sentence.tags) if tags else [IGNORED] * len(pieces)
        shares = share_out([len(piece) for piece in pieces], room, overlap)
        counts[CUT_SENTENCE] += len(shares) > 1
        for share in shares:
            ids, firsts = [vocabulary.begin], {}
            for word in range(share.start, share.stop):
                firsts[word] = len(ids)
                ids.extend(pieces[word])
            windows.append(
                Window(
                    sentence=place,
                    ids=(*ids, *closing),
                    words=tuple(share.predicted),
                    first_tokens=tuple(firsts[word] for word in share.predicted),
                    labels=tuple(labels[word] for word in share.predicted),
                )
            )
    return windows, +counts


def share_out(lengths: Sequence[int], room: int, overlap: int) -> list[Share]:
    """Cut words of these lengths, each at most `room`, into windows of at most `room` tokens.

    A window holds as many words as fit. The next one starts as early as `overlap` and its first
    new word allow; the last one starts as early as it can. A word's context in a window is the
    smaller of the tokens before and after it there, where a side that the sentence ends on counts
    as endless; it is predicted where that is largest, in the earliest such window.
    """
    ends = list(accumulate(lengths, initial=0))  # ends[n]: tokens of the first n words
    spans: list[tuple[int, int]] = []
    start = stop = 0
    while True:
        stop = bisect_right(ends, ends[start] + room) - 1
        if stop == len(lengths):
            start = bisect_left(ends, ends[-1] - room) if spans else 0
            spans.append((start, stop))
            break
        spans.append((start, stop))
        start = bisect_left(ends, max(ends[stop] - overlap, ends[stop + 1] - room), start + 1, stop)

    def context(word: int, span: tuple[int, int]) -> float:
        before = ends[word] - ends[span[0]] if span[0] else float("inf")
        after = ends[span[1]] - ends[word + 1] if span[1] < len(lengths) else float("inf")
        return min(before, after)

    chosen: list[list[int]] = [[] for _ in spans]
    for word in range(len(lengths)):
        holding = [n for n, (start, stop) in enumerate(spans) if start <= word < stop]
        chosen[max(holding, key=lambda n: context(word, spans[n]))].append(word)
    shares = []
    for (start, stop), here in zip(spans, chosen, strict=True):
        if here:
            predicted = range(here[0], here[-1] + 1)
            assert len(predicted) == len(here), "words predicted in one window stand together"
            shares.append(Share(start, stop, predicted))
    assert sum(len(share.predicted) for share in shares) == len(lengths)
    return shares


def _word_tokens(words: set[str], tokenizer: PreTrainedTokenizerFast) -> dict[str, list[int]]:
    """The tokens of each word as of one that follows a space; none where only the space has any.

    As `is_split_into_words` does it, but for byte-level tokenizers too, which would otherwise read
    all words as one. A word that spells a special token, as `<s>`, is text.
    """
    ordered = sorted(words)
    encoded = tokenizer(
        [" ", *(" " + word for word in ordered)],
        add_special_tokens=False,
        split_special_tokens=True,
        return_attention_mask=False,
        return_token_type_ids=False,
    )["input_ids"]
    space = encoded[0]
    return {
        word: [] if ids == space else ids for word, ids in zip(ordered, encoded[1:], strict=True)
    }


def _fit(ids: list[int], room: int, vocabulary: Vocabulary, counts: Counter[str]) -> list[int]:
    if not ids:
        counts[NO_TOKENS] += 1
        unknown = vocabulary.tokenizer.unk_token_id
        return [vocabulary.mask if unknown is None else unknown]
    counts[CUT_WORD] += len(ids) > room
    return ids[:room]
