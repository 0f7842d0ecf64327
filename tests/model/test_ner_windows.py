"""Words to tokens and back: none lost, none twice, each where most of its surroundings are."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from clism_ray.errors import InputError
from clism_ray.masking.examples import Vocabulary, vocabulary
from clism_ray.masking.tokenizer import with_question
from clism_ray.records import IGNORED
from clism_ray.tasks.ner_sentences import Sentence
from clism_ray.tasks.ner_tags import TagSet
from clism_ray.tasks.ner_windows import (
    CUT_SENTENCE,
    CUT_WORD,
    NO_TOKENS,
    Window,
    make_windows,
    share_out,
)

TAGS = TagSet(["PER"])
WORDS = [
    "Anna",
    "reads",
    "<s>",
    "[QUE]",
    "\u200b",
    "",
    "\u00a0",
    "北京",
    "e-mail",
    "10\u00a0000",
    "!",
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NAMED = {
    "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}  # fmt: skip


def word_piece(texts: list[str]) -> PreTrainedTokenizerFast:
    """As BERT's: lower-cases, drops control characters."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return with_question(PreTrainedTokenizerFast(tokenizer_object=tokenizer, **NAMED))


def byte_level(texts: list[str]) -> PreTrainedTokenizerFast:
    """As ModernBERT's: no space before the first word of a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return with_question(PreTrainedTokenizerFast(tokenizer_object=tokenizer, **NAMED))


@pytest.fixture(scope="module")
def metaspace(tokenizer: PreTrainedTokenizerFast) -> Vocabulary:
    return vocabulary(tokenizer)


@pytest.fixture(scope="module")
def families(metaspace: Vocabulary, synthetic_texts: list[str]) -> dict[str, Vocabulary]:
    texts = synthetic_texts[:100]
    return {
        "metaspace": metaspace,
        "word pieces": vocabulary(word_piece(texts)),
        "bytes": vocabulary(byte_level(texts)),
    }


def sentence(words: list[str], tags: list[str] | None = None) -> Sentence:
    return Sentence("s", tuple(words), tuple(tags or ["O"] * len(words)))


def tokens_of(window: Window, words: Vocabulary) -> list[str]:
    return words.tokenizer.convert_ids_to_tokens(list(window.ids))


def test_a_word_piece_sentence_has_its_labels_on_first_tokens_and_the_question_last(
    families: dict[str, Vocabulary],
) -> None:
    words = families["word pieces"]
    (window,), counts = make_windows(
        [sentence(["Anna", "xyz.", "in"], ["B-PER", "O", "O"])], words, TAGS
    )
    tokens = tokens_of(window, words)
    assert tokens[0] == "[CLS]"
    assert tokens[-2:] == ["[QUE]", "[SEP]"]
    assert window.words == (0, 1, 2)
    assert window.labels == (1, 0, 0)
    assert [tokens[first][0] for first in window.first_tokens] == ["a", "x", "i"]
    assert tokens.index(".") == window.first_tokens[2] - 1
    assert counts == {}


def test_the_question_can_be_left_out(metaspace: Vocabulary) -> None:
    ((window,), _), ((without,), _) = (
        make_windows([sentence(["a", "b"])], metaspace, TAGS, question=question)
        for question in (True, False)
    )
    assert window.ids == (*without.ids[:-1], metaspace.question, metaspace.end)
    assert window.first_tokens == without.first_tokens


@pytest.mark.parametrize("family", ["metaspace", "word pieces"])
def test_tokens_are_those_of_text_already_split_into_words(
    family: str, families: dict[str, Vocabulary], synthetic_texts: list[str]
) -> None:
    chosen = families[family].tokenizer
    words = [word for text in synthetic_texts[:20] for word in text.split()]
    (window,), _ = make_windows([sentence(words)], families[family], TAGS, max_tokens=9999)
    expected = chosen(words, is_split_into_words=True, add_special_tokens=False)
    assert list(window.ids[1:-2]) == expected["input_ids"]
    assert [first - 1 for first in window.first_tokens] == [
        expected.word_ids().index(word) for word in range(len(words))
    ]


def test_byte_level_words_follow_a_space(families: dict[str, Vocabulary]) -> None:
    words = families["bytes"]
    (window,), counts = make_windows([sentence(["Anna", "", "in"])], words, TAGS)
    tokens = tokens_of(window, words)
    starts = [tokens[first] for first in window.first_tokens]
    assert starts[0].startswith("Ġ")
    assert starts[1] == "[UNK]"
    assert starts[2].startswith("Ġ")
    assert counts == {NO_TOKENS: 1}


@pytest.mark.parametrize("family", ["metaspace", "word pieces", "bytes"])
def test_no_word_becomes_a_special_token_or_nothing(
    family: str, families: dict[str, Vocabulary]
) -> None:
    words = families[family]
    (window,), counts = make_windows([sentence(WORDS)], words, TAGS)
    assert words.special.isdisjoint(window.ids[1:-2])
    assert window.words == tuple(range(len(WORDS)))
    assert len(set(window.first_tokens)) == len(WORDS)
    assert counts[NO_TOKENS] >= 1


def test_a_word_longer_than_a_window_keeps_its_first_tokens(metaspace: Vocabulary) -> None:
    long = "9" * 50
    windows, counts = make_windows(
        [sentence(["a", long, "b"])], metaspace, TAGS, max_tokens=16, overlap=4
    )
    assert counts == {CUT_WORD: 1, CUT_SENTENCE: 1}
    assert [window.words for window in windows] == [(0,), (1,), (2,)]
    assert all(len(window.ids) <= 16 for window in windows)


def test_types_a_model_does_not_know_are_refused_unless_labels_are_not_wanted(
    metaspace: Vocabulary,
) -> None:
    other = [sentence(["a"], ["B-MISC"])]
    with pytest.raises(InputError, match="entity type 'MISC'"):
        make_windows(other, metaspace, TAGS)
    (window,), _ = make_windows(other, metaspace, None)
    assert window.labels == (IGNORED,)


def test_windows_without_room_are_refused(metaspace: Vocabulary) -> None:
    with pytest.raises(InputError, match="max_tokens 3, overlap 64: a window takes at least 4"):
        make_windows([sentence(["a"])], metaspace, TAGS, max_tokens=3)


LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=40)


@settings(max_examples=60)
@given(LENGTHS, st.integers(9, 40), st.integers(0, 45))
def test_every_word_is_predicted_once_where_its_context_is_largest(
    lengths: list[int], room: int, overlap: int
) -> None:
    shares = share_out(lengths, room, overlap)
    predicted = Counter(word for share in shares for word in share.predicted)
    assert predicted == dict.fromkeys(range(len(lengths)), 1)
    for share in shares:
        assert sum(lengths[share.start : share.stop]) <= room
        for word in share.predicted:
            others = [other for other in shares if other.start <= word < other.stop]
            best = max(context(lengths, word, other.start, other.stop) for other in others)
            assert context(lengths, word, share.start, share.stop) == best


def context(lengths: list[int], word: int, start: int, stop: int) -> float:
    before = sum(lengths[start:word]) if start else float("inf")
    after = sum(lengths[word + 1 : stop]) if stop < len(lengths) else float("inf")
    return min(before, after)


def test_windows_overlap_by_what_is_asked_and_the_last_is_full() -> None:
    shares = share_out([1] * 25, room=10, overlap=4)
    assert [(share.start, share.stop) for share in shares] == [(0, 10), (6, 16), (12, 22), (15, 25)]
    assert [share.predicted for share in shares] == [
        range(0, 8), range(8, 14), range(14, 19), range(19, 25)
    ]  # fmt: skip


@settings(max_examples=30)
@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12), max_size=4))
def test_words_in_are_words_out(metaspace: Vocabulary, words: list[list[str]]) -> None:
    windows, _ = make_windows(
        [sentence(each) for each in words], metaspace, TAGS, max_tokens=20, overlap=6
    )
    places = [(window.sentence, word) for window in windows for word in window.words]
    assert sorted(places) == [
        (n, word) for n, each in enumerate(words) for word in range(len(each))
    ]
    for window in windows:
        assert len(window.ids) <= 20
        assert len(window.words) == len(window.first_tokens) == len(window.labels)
        assert all(0 < first < len(window.ids) - 2 for first in window.first_tokens)
