"""Tokenizers: trained, saved, loaded, and those that cannot be used."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertTokenizer,
    ByT5Tokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    XLMRobertaTokenizer,
)

from clism_ray.errors import InputError
from clism_ray.masking.tokenizer import (
    QUESTION,
    begin_token,
    check_question,
    copy_tokenizer,
    end_token,
    load_tokenizer,
    open_tokenizer,
    save_tokenizer,
    train_tokenizer,
    with_question,
)

NAMES = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "pad_token": "[PAD]"}


def word_level(words: list[str], **names: str) -> PreTrainedTokenizerFast:
    vocabulary = {word: n for n, word in enumerate(["[UNK]", *names.values(), *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", **names)


def test_equal_texts_train_equal_tokenizers(synthetic_texts: list[str]) -> None:
    once, again = (train_tokenizer(iter(synthetic_texts[:100]), 500) for _ in range(2))
    assert once.backend_tokenizer.to_str() == again.backend_tokenizer.to_str()


@pytest.mark.parametrize("size", [100, 500])  # fewer and more than the texts have characters
def test_a_trained_tokenizer_has_the_size_asked_for(synthetic_texts: list[str], size: int) -> None:
    trained = train_tokenizer(synthetic_texts[:100], size)
    assert len(trained) == size
    assert sorted(trained.get_vocab().values()) == list(range(size))


def test_a_saved_tokenizer_loads_as_it_was(
    tokenizer: PreTrainedTokenizerFast, synthetic_texts: list[str], tmp_path: Path
) -> None:
    save_tokenizer(tokenizer, tmp_path / "saved")
    loaded = load_tokenizer(str(tmp_path / "saved"))
    assert loaded.get_vocab() == tokenizer.get_vocab()
    texts = synthetic_texts[:20]
    encoded = [
        t(texts, return_offsets_mapping=True, add_special_tokens=False) for t in (loaded, tokenizer)
    ]
    assert encoded[0]["input_ids"] == encoded[1]["input_ids"]
    assert encoded[0]["offset_mapping"] == encoded[1]["offset_mapping"]
    assert set(loaded.all_special_ids) == set(tokenizer.all_special_ids)
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def of_family(family: type[PreTrainedTokenizerFast]) -> PreTrainedTokenizerFast:
    characters = "Paris \u2581\u0120\u00e9"
    if family is XLMRobertaTokenizer:
        tokens = ["<s>", "<pad>", "</s>", "<unk>", *characters.replace(" ", ""), "<mask>"]
        return family(vocab=[(token, -1.0) for token in tokens])
    names = NAMES.values() if family is BertTokenizer else ["<s>", "<pad>", "</s>", "<mask>"]
    unknown = "[UNK]" if family is BertTokenizer else "<unk>"
    inside = [f"##{c}" for c in characters] if family is BertTokenizer else ["Pa"]
    tokens = dict.fromkeys([*names, unknown, *characters, *inside])
    vocabulary = {token: n for n, token in enumerate(tokens)}
    more = {} if family is BertTokenizer else {"merges": [("P", "a")]}
    return family(vocab=vocabulary, **more)


@pytest.mark.parametrize("family", [BertTokenizer, RobertaTokenizer, XLMRobertaTokenizer])
def test_a_run_masks_with_the_tokens_that_its_encoder_family_finds(
    family: type[PreTrainedTokenizerFast], tmp_path: Path
) -> None:
    save_tokenizer(with_question(of_family(family)), tmp_path / "saved")
    opened, loaded = (f(str(tmp_path / "saved")) for f in (open_tokenizer, load_tokenizer))
    assert type(loaded) is family
    texts = ["Paris", " Pariś  is", f"a {QUESTION}b", "<mask>[MASK]", "PARIS é"]
    for text in texts:
        ours, theirs = (t(text, return_offsets_mapping=True) for t in (opened, loaded))
        for key in ("input_ids", "offset_mapping"):
            assert ours[key] == theirs[key]
    assert opened.all_special_ids == loaded.all_special_ids
    assert begin_token(opened) == begin_token(loaded)
    assert end_token(opened) == end_token(loaded)


def test_a_copied_tokenizer_is_there_as_a_whole(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    save_tokenizer(tokenizer, tmp_path / "saved")
    copy_tokenizer(tmp_path / "saved", tmp_path / "copy")
    assert open_tokenizer(str(tmp_path / "copy")).get_vocab() == tokenizer.get_vocab()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "saved"]


def test_the_question_token_is_added_once_and_comes_last(synthetic_texts: list[str]) -> None:
    trained = train_tokenizer(synthetic_texts[:50], 300)
    assert trained.get_vocab()[QUESTION] == len(trained) - 1
    assert len(with_question(with_question(trained))) == 300
    assert trained.tokenize(f"a {QUESTION}b").count(QUESTION) == 1


def test_a_loaded_tokenizer_gets_the_question_token_and_keeps_its_ids(tmp_path: Path) -> None:
    plain = word_level(["Paris"], **NAMES)
    plain.save_pretrained(tmp_path)
    loaded = load_tokenizer(str(tmp_path))
    assert loaded.get_vocab() == {**plain.get_vocab(), QUESTION: len(plain)}
    assert loaded.get_vocab()[QUESTION] in loaded.all_special_ids


def test_a_saved_tokenizer_that_has_lost_the_question_token_is_refused(tmp_path: Path) -> None:
    plain = word_level(["Paris"], **NAMES)
    plain.save_pretrained(tmp_path / "without")
    with pytest.raises(InputError, match=r"\[QUE\] is no special token.*another name="):
        check_question(str(tmp_path / "without"))
    save_tokenizer(with_question(plain), tmp_path / "with")
    check_question(str(tmp_path / "with"))
    ordinary = word_level(["Paris", QUESTION], **NAMES)
    ordinary.save_pretrained(tmp_path / "ordinary")
    with pytest.raises(InputError, match=r"no special token"):
        check_question(str(tmp_path / "ordinary"))
    with pytest.raises(InputError, match=r"cannot be loaded"):
        check_question(str(tmp_path / "nowhere"))


def test_sequences_open_and_close_with_whatever_the_tokenizer_has() -> None:
    bert = word_level([], **NAMES)
    opening = word_level([], bos_token="<s>", eos_token="</s>")
    assert (begin_token(bert), end_token(bert)) == (bert.cls_token_id, bert.sep_token_id)
    assert begin_token(opening) == opening.bos_token_id
    assert end_token(opening) == opening.eos_token_id


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("mask_token", "a mask token"),
        ("pad_token", "a padding token"),
        ("cls_token", "a begin token"),
        ("sep_token", "an end token"),
    ],
)
def test_a_tokenizer_without_a_token_the_method_needs_is_refused(
    tmp_path: Path, missing: str, said: str
) -> None:
    names = {name: token for name, token in NAMES.items() if name != missing}
    word_level(["Paris"], **names).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=said):
        load_tokenizer(str(tmp_path))


def test_a_tokenizer_without_character_offsets_is_refused(tmp_path: Path) -> None:
    ByT5Tokenizer().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"ByT5Tokenizer, which has no fast version"):
        load_tokenizer(str(tmp_path))


def test_a_folder_that_is_not_there_or_holds_no_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be loaded"):
        load_tokenizer(str(tmp_path / "nowhere"))
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"no tokens but its special ones"):
        load_tokenizer(str(tmp_path))


def test_words_names_and_numbers_begin_and_end_at_tokens_in_every_script(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    for text, word in (("在北京。", "北京"), ("im Jahr 1987.", "1987"), ("(Rom)", "Rom")):
        offsets = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)[
            "offset_mapping"
        ]
        start = text.index(word)
        starts, ends = {a for a, _ in offsets}, {b for _, b in offsets}
        spaced = {start, start - 1} if text[start - 1] == " " else {start}
        assert spaced & starts
        assert start + len(word) in ends
