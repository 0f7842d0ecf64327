"""The synthetic corpus: what it says of itself - spans, links, order - is true of its text."""

import json
import re
from collections import Counter
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.config_corpus import SynthesizeConfig
from clism_ray.corpus.language.dice import Dice
from clism_ray.corpus.language.gazetteer import GIVEN, KINDS, PLACES
from clism_ray.corpus.language.lexicon import ADJECTIVES, NOUNS, VERBS
from clism_ray.corpus.language.numerals import MONTHS, NUMBERS, WEEKDAYS
from clism_ray.corpus.language.phrases import perfective
from clism_ray.corpus.language.statement import draw_statement
from clism_ray.corpus.language.table import EN, HI, LANGUAGES, ZH
from clism_ray.corpus.synthetic import (
    SyntheticPair,
    is_held_out,
    pair_at,
    pairs,
    write_corpus,
)
from clism_ray.errors import InputError

ALL = ("de", "es", "ru", "hi", "zh")
some_pair = st.builds(
    pair_at,
    st.integers(0, 2**63),
    st.integers(0, 10_000_000),
    st.permutations(ALL).map(tuple),
)


def words(pair: SyntheticPair) -> tuple[list[str], list[str]]:
    return (
        [pair.source[a:b] for a, b in pair.source_words],
        [pair.target[a:b] for a, b in pair.target_words],
    )


def inside(offsets: tuple[tuple[int, int], ...], start: int, end: int) -> set[int]:
    return {i for i, (a, b) in enumerate(offsets) if start <= a and b <= end}


def linked_to(pair: SyntheticPair, i: int) -> list[int]:
    return [j for k, j in pair.links if k == i]


@cache
def many_of(language: str) -> list[SyntheticPair]:
    return list(pairs(7, 0, 800, (language,)))


def of_language(language: str, number: int = 300) -> list[SyntheticPair]:
    return many_of(language)[:number]


@given(st.integers(0, 2**63), st.integers(0, 10_000_000))
def test_a_pair_is_a_function_of_seed_and_index(seed: int, index: int) -> None:
    pair = pair_at(seed, index, ALL)
    assert pair == pair_at(seed, index, ALL)
    assert pair.target_language == ALL[index % 5]


def test_another_seed_and_another_index_give_another_text() -> None:
    texts = [pair.source for seed in (1, 2, 3) for pair in pairs(seed, 0, 300, ALL)]
    assert len(set(texts)) > 0.99 * len(texts)


def test_any_part_can_be_written_alone() -> None:
    assert list(pairs(5, 0, 40, ALL))[23:31] == list(pairs(5, 23, 31, ALL))


def test_the_english_side_does_not_depend_on_the_language() -> None:
    assert len({pair_at(4, 9, (language,)).source for language in ALL}) == 1


@given(some_pair)
def test_words_are_those_of_the_text_in_order(pair: SyntheticPair) -> None:
    for text, offsets in ((pair.source, pair.source_words), (pair.target, pair.target_words)):
        assert all(a < b for a, b in offsets)
        assert all(b <= c for (_, b), (c, _) in pairwise(offsets))
        rest = list(text)
        for a, b in offsets:
            assert not re.search(r"\s", text[a:b])
            rest[a:b] = [""] * (b - a)
        assert set("".join(rest)) <= set(" ,.，。।")


@given(some_pair)
def test_spans_overlap_on_neither_side_and_stand_in_source_order(pair: SyntheticPair) -> None:
    assert 1 <= len(pair.spans) <= 4
    for side, text in ((slice(0, 2), pair.source), (slice(2, 4), pair.target)):
        ranges = sorted(span[side] for span in pair.spans)
        assert all(0 <= a < b <= len(text) for a, b in ranges)
        assert all(b <= c for (_, b), (c, _) in pairwise(ranges))
    assert list(pair.spans) == sorted(pair.spans)


@given(some_pair)
def test_the_words_of_a_span_are_linked_to_its_counterpart_and_to_nothing_else(
    pair: SyntheticPair,
) -> None:
    assert list(pair.links) == sorted(set(pair.links))
    assert all(i < len(pair.source_words) and j < len(pair.target_words) for i, j in pair.links)
    for span in pair.spans:
        here = inside(pair.source_words, span.source_start, span.source_end)
        there = inside(pair.target_words, span.target_start, span.target_end)
        assert pair.source_words[min(here)][0] == span.source_start
        assert pair.source_words[max(here)][1] == span.source_end
        assert pair.target_words[min(there)][0] == span.target_start
        assert pair.target_words[max(there)][1] == span.target_end
        assert {i for i, j in pair.links if j in there} == here
        assert {j for i, j in pair.links if i in here} == there


LETTERS = {  # how each script writes the consonants of invented names
    "ru": dict(zip("bdfgklmnprstvz", "бдфгклмнпрствз", strict=True)),
    "hi": dict(zip("bdfgklmnprstvz", "बदफगकलमनपरसटवज", strict=True)),
}


def consonants(invented: str, language: str) -> str:
    skeleton = re.sub("[aeiou]", "", invented.lower())
    return "".join(LETTERS[language][letter] for letter in skeleton)


def skeleton(text: str, language: str) -> str:
    kept = set(LETTERS[language].values())
    return "".join(letter for letter in text.lower() if letter in kept)


@pytest.mark.parametrize("language", ALL)
def test_a_persons_two_sides_are_one_name_in_two_scripts(language: str) -> None:
    column = LANGUAGES.index(language)
    given = {name.forms[EN]: name.forms[column] for name in GIVEN}
    seen = 0
    for pair in of_language(language):
        for span in (span for span in pair.spans if span.label == "name"):
            first, surname = pair.source[span.source_start : span.source_end].split()
            there = pair.target[span.target_start : span.target_end]
            other_first, other = there.split("·" if language == "zh" else " ")
            assert other_first == given[first]
            if language in ("de", "es"):
                assert other == surname
            elif language == "zh":
                syllables = len(re.findall("[aeiou]", surname))
                codas = len(re.findall("[nrls](?=[^aeiou])", surname.lower()))
                assert len(other) == syllables + codas
            else:
                assert skeleton(other, language) == consonants(surname, language)
            seen += 1
    assert seen > 100


@pytest.mark.parametrize("language", ALL)
def test_a_known_place_has_its_own_name_in_each_language(language: str) -> None:
    column = LANGUAGES.index(language)
    known = {place[EN]: place[column] for place in PLACES}
    found = [
        (pair.source[span.source_start : span.source_end], pair, span)
        for pair in of_language(language, 800)
        for span in pair.spans
        if span.label == "place"
    ]
    texts = {name: pair.target[s.target_start : s.target_end] for name, pair, s in found}
    assert sum(name in known for name in texts) > 15
    assert all(texts[name] == known[name] for name in texts if name in known)
    endings = {"de": "ien", "es": "ia", "ru": "ии", "hi": "िया", "zh": "亚"}
    countries = [name for name in texts if name.endswith("ia") and name not in known]
    assert countries
    assert all(texts[name].endswith(endings[language]) for name in countries)


@pytest.mark.parametrize("language", ALL)
def test_an_organisations_two_sides_are_of_one_kind(language: str) -> None:
    column = LANGUAGES.index(language)
    for pair in of_language(language):
        for span in (span for span in pair.spans if span.label == "organisation"):
            source = pair.source[span.source_start : span.source_end]
            target = pair.target[span.target_start : span.target_end]
            (kind,) = [k for k in KINDS if re.fullmatch(k.forms[EN].replace("{}", r"\w+"), source)]
            if language == "ru":
                forms = [kind.forms[column], kind.genitive, kind.instrumental]
                assert target.split()[0] in forms
            else:
                joined = kind.forms[column].replace(" {}", "{}" if language == "zh" else " {}")
                joined = joined.replace("{} ", "{}" if language == "zh" else "{} ")
                assert re.fullmatch(joined.replace("{}", r"[^\s-]+"), target)


def value_of(text: str, language: str) -> int:
    """The value of a number of the corpus, in any of its notations."""
    for value, forms in enumerate(NUMBERS, start=5):
        if text == forms[LANGUAGES.index(language)]:
            return value
    digits = re.sub(r"[,.\s]", "", re.match(r"[\d.,\s]+", text)[0])
    rest = text[re.match(r"[\d.,\s]+", text).end() :]
    scale = {"": 1, "लाख": 100_000, "万": 10_000}.get(rest, 1_000_000)
    return int(digits) * scale


@pytest.mark.parametrize("language", ALL)
def test_numbers_have_the_same_value_on_both_sides(language: str) -> None:
    notations = Counter()
    for pair in of_language(language, 600):
        for span in (span for span in pair.spans if span.label == "number"):
            source = pair.source[span.source_start : span.source_end]
            target = pair.target[span.target_start : span.target_end]
            assert value_of(source, "en") == value_of(target, language)
            notations[re.sub(r"\d+", "0", source)[:3]] += 1
    assert len(notations) > 10


@pytest.mark.parametrize("language", ALL)
def test_dates_name_the_same_day_on_both_sides(language: str) -> None:
    column = LANGUAGES.index(language)
    months = {month[EN]: month[column] for month in MONTHS}
    weekdays = {day[EN]: day[column] for day in WEEKDAYS}
    seen = Counter()
    for pair in of_language(language, 600):
        for span in (span for span in pair.spans if span.label == "date"):
            source = pair.source[span.source_start : span.source_end]
            target = pair.target[span.target_start : span.target_end]
            if source in weekdays:
                assert target.lower() == weekdays[source].lower()
                continue
            parts = source.split()
            seen[len(parts)] += 1
            for number in (part for part in parts if part.isdigit()):
                assert re.search(rf"(?<!\d){number}(?!\d)", target)
            if len(parts) > 1:
                month = months[parts[-2]]
                assert month[: -1 if language == "ru" else None] in target
    assert set(seen) == {1, 2, 3}


def test_languages_are_evenly_spread() -> None:
    counts = Counter(pair.target_language for pair in pairs(1, 0, 500, ALL))
    assert counts == dict.fromkeys(ALL, 100)


def test_chinese_has_no_spaces() -> None:
    assert not any(" " in pair.target for pair in of_language("zh"))


def test_chinese_says_time_and_place_before_the_verb_where_english_says_them_after() -> None:
    crossed = 0
    verbs = {verb.forms[EN]: verb.forms[ZH] for verb in VERBS}
    for pair in of_language("zh"):
        source, target = words(pair)
        verb = next(i for i, word in enumerate(source) if word in verbs)
        place = [span for span in pair.spans if span.label == "place"]
        if place:
            assert place[0].source_start > pair.source_words[verb][0]
            assert place[0].target_start < pair.target_words[target.index(verbs[source[verb]])][0]
            crossed += 1
    assert crossed > 50


def test_hindi_ends_in_the_verb_which_agrees_with_the_object() -> None:
    every_form = {
        perfective(verb.forms[HI], gender).split()[-1]
        for verb in VERBS
        for gender in ("m", "f", "mp", "fp")
    }
    for pair in of_language("hi"):
        assert pair.target.endswith("।")
        assert words(pair)[1][-1] in every_form


@pytest.mark.parametrize(
    ("gender", "forms"),
    [
        ("f", "बनाई ख़रीदी किराए पर ली प्रस्तुत की"),
        ("mp", "बनाए ख़रीदे किराए पर लिए प्रस्तुत किए"),
        ("fp", "बनाईं ख़रीदीं किराए पर लीं प्रस्तुत कीं"),
    ],
)
def test_hindi_perfectives_inflect(gender: str, forms: str) -> None:
    verbs = ("बनाया", "ख़रीदा", "किराए पर लिया", "प्रस्तुत किया")
    assert " ".join(perfective(verb, gender) for verb in verbs) == forms


def test_german_puts_the_finite_verb_second_and_the_participle_last() -> None:
    participles = {verb.forms[1] for verb in VERBS}
    orders = Counter()
    for pair in of_language("de"):
        target = words(pair)[1]
        subordinate = "dass" in target
        orders["subordinate" if subordinate else "main"] += 1
        assert target[-2 if subordinate else -1] in participles
        if subordinate:
            assert target[-1] == "hat"
        else:
            assert target.count("hat") == 1
    assert min(orders["subordinate"], orders["main"]) > 20


def test_spanish_puts_the_adjective_after_the_noun() -> None:
    adjectives = {adjective.forms[EN]["m"] for adjective in ADJECTIVES}
    seen = 0
    for pair in of_language("es"):
        for i in (i for i, word in enumerate(words(pair)[0]) if word in adjectives):
            assert max(linked_to(pair, i + 1)) < min(linked_to(pair, i))
            seen += 1
    assert seen > 100


def test_russian_verbs_agree_with_the_gender_of_the_subject() -> None:
    genders = {name.forms[EN]: name.gender for name in GIVEN}
    checked = Counter()
    stems = {verb.forms[EN]: verb.forms[3] for verb in VERBS}
    for pair in of_language("ru"):
        source, target = words(pair)
        if source[0] in genders and source[2] in stems:
            ending = {"m": "", "f": "а"}[genders[source[0]]]
            assert stems[source[2]] + ending in target
            checked[ending] += 1
    assert min(checked.values()) > 10


def test_some_words_are_linked_to_several_on_either_side() -> None:
    for language in ALL:
        pairs_of = of_language(language)
        several_targets = any(
            len(list(run)) > 1 for p in pairs_of for _, run in groupby(p.links, lambda k: k[0])
        )
        several_sources = any(
            max(Counter(j for _, j in pair.links).values()) > 1 for pair in pairs_of
        )
        assert several_targets
        assert several_sources


def test_sentences_have_five_to_twenty_four_words_and_seldom_over_twenty() -> None:
    lengths = [len(pair.source_words) for pair in pairs(3, 0, 2000, ALL)]
    assert min(lengths) == 5
    assert max(lengths) <= 24
    assert sum(length > 20 for length in lengths) < 0.02 * len(lengths)


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_the_dice_are_never_used_up(seed: int, index: int) -> None:
    dice = Dice(seed, index)
    draw_statement(dice)
    assert dice.bits_left > 200


def test_every_noun_has_a_verb_and_every_form_of_every_language() -> None:
    for noun in NOUNS:
        assert any(noun.group in verb.groups for verb in VERBS)
        assert all(noun.singular)
        assert len(noun.singular) == len(noun.plural) == len(LANGUAGES)
    for table in (PLACES, MONTHS, WEEKDAYS, NUMBERS):
        assert all(len(row) == len(LANGUAGES) and all(row) for row in table)


def corpus(folder: Path) -> dict[str, list[dict]]:
    return {
        path.name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in sorted(folder.iterdir())
    }


def test_the_corpus_holds_what_was_asked_for_and_no_sentence_on_both_sides(tmp_path: Path) -> None:
    config = SynthesizeConfig(output=str(tmp_path), pairs=400, dev_pairs=20, languages=("de", "zh"))
    counts = write_corpus(config)
    files = corpus(tmp_path)
    assert counts == {name: len(rows) for name, rows in files.items()}
    assert set(files) == {
        f"{split}.en-{lang}.jsonl" for split in ("train", "dev") for lang in ("de", "zh")
    }
    train, dev = (
        [row["source"] for name, rows in files.items() if name.startswith(split) for row in rows]
        for split in ("train", "dev")
    )
    assert (len(train), len(dev), len(set(dev))) == (400, 20, 20)
    assert not set(train) & set(dev)


def test_a_row_says_the_same_as_its_pair(tmp_path: Path) -> None:
    write_corpus(SynthesizeConfig(output=str(tmp_path), pairs=1, dev_pairs=0, languages=("ru",)))
    (row,) = corpus(tmp_path)["train.en-ru.jsonl"]
    pair = next(pair for pair in pairs(13, 0, 100, ("ru",)) if not is_held_out(pair))
    assert (row["source"], row["target"]) == (pair.source, pair.target)
    assert [tuple(span) for span in row["spans"]] == list(pair.spans)
    assert [tuple(link) for link in row["links"]] == list(pair.links)
    assert [tuple(word) for word in row["target_words"]] == list(pair.target_words)


def test_the_same_configuration_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_corpus(SynthesizeConfig(output=str(tmp_path / name), pairs=50, dev_pairs=2))
    assert corpus(tmp_path / "a") == corpus(tmp_path / "b")


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match=r"file.*: cannot be made a folder \("):
            write_corpus(SynthesizeConfig(output=str(output), pairs=1))


@pytest.mark.parametrize(
    ("languages", "complaint"), [(("de", "fr"), "no grammar for 'fr'"), (("de", "de"), "twice")]
)
def test_languages_it_cannot_write_are_refused_before_anything_is_written(
    tmp_path: Path, languages: tuple[str, ...], complaint: str
) -> None:
    output = tmp_path / "out"
    with pytest.raises(InputError, match=complaint):
        write_corpus(SynthesizeConfig(output=str(output), languages=languages))
    assert not output.exists()
