"""Exact match and F1, by hand and by law. Values are worked out from the metrics' definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.errors import InputError
from clism_ray.tasks.qa_metrics import (
    MLQA_LANGUAGES,
    exact_match,
    f1,
    mean_scores,
    normalise_mlqa,
    normalise_squad,
    score_answers,
)
from clism_ray.tasks.qa_questions import Answer, Question

LANGUAGES = st.sampled_from(MLQA_LANGUAGES)
TEXTS = st.text(st.sampled_from("aA theTHE.,$·中国の नई الكتاب là la ½ß"), max_size=12)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Cat,\tan A-list\nhat!", "cat alist hat"),
        ("Theatre of a", "theatre of"),
        ("a.", ""),
        ("$31.5 billion", "315 billion"),
        ("«the» end…", "« » end…"),  # only ASCII punctuation goes
        ("El gato", "el gato"),
        ("中国，北京", "中国，北京"),
    ],
)
def test_squad_knows_english_articles_and_ascii_punctuation(text: str, normal: str) -> None:
    assert normalise_squad(text) == normal


@pytest.mark.parametrize(
    ("language", "text", "normal"),
    [
        ("en", "The «U.S.» and a dog", "us and dog"),
        ("en", "$5 + el gato", "5 el gato"),  # ASCII symbols count as punctuation
        ("en", "€5 ½", "€5 ½"),  # others do not
        ("es", "¿El niño y unas casas?", "niño y casas"),
        ("es", "elmo la-la", "elmo lala"),  # punctuation goes before articles do
        ("hi", "यह, एक the किताब।", "यह एक the किताब"),  # no articles; the danda goes
        ("vi", "Những cái bàn của tôi là chiếc này", "bàn tôi này"),
        ("de", "Einer der Hunde, des Dorfes", "hunde dorfes"),
        ("de", "Deren Straße", "deren straße"),
        ("ar", "الكتاب، والقلم؟", "كتاب و قلم"),  # also inside words, as the official script does
        ("zh", "中国 (PRC) 的ABC公司，2 个", "中 国 prc 的 abc 公 司 2 个"),
        ("zh", "㐀 of the 龥龦", "㐀 of the 龥 龦"),  # only U+4E00 to U+9FA5 stand alone
        ("el", "«Ο the Νείλος», το", "ο the νείλος το"),  # not MLQA's: articles stay
        ("th", "กรุงเทพฯ BTS", "ก รุ ง เ ท พ ฯ bts"),
        ("ja", "東京の（Tokyo）", "東 京 の tokyo"),
    ],
)
def test_mlqa_knows_each_language(language: str, text: str, normal: str) -> None:
    assert normalise_mlqa(text, language) == normal


@pytest.mark.parametrize(
    ("language", "prediction", "gold", "squad", "mlqa"),
    [
        # squad: "die hunde" / "hunde": P 1/2, R 1. mlqa drops "die".
        ("de", "die Hunde", "Hunde", (0, 200 / 3), (100, 100)),
        # one word each for squad; for mlqa 2 of 2 and 2 of 3 characters
        ("zh", "北京", "北京市", (0, 0), (0, 80)),
        ("es", "en los Alpes", "Alpes", (0, 50), (0, 200 / 3)),
        ("en", "the big big dog", "a big dog", (0, 80), (0, 80)),
        ("ar", "الكتاب", "كتاب", (0, 0), (100, 100)),
        ("vi", "là Hà Nội", "Hà Nội", (0, 80), (100, 100)),
        ("hi", "दिल्ली।", "दिल्ली", (0, 0), (100, 100)),
        ("ru", "«Москва»", "Москва", (0, 0), (100, 100)),
        ("ja", "東京", "東京都", (0, 0), (0, 80)),
        # equal but without words: both official scripts give exact 100 and F1 0
        ("en", "the", "a", (100, 0), (100, 0)),
        ("en", "", "dog", (0, 0), (0, 0)),
    ],
)
def test_scores_by_hand(
    language: str,
    prediction: str,
    gold: str,
    squad: tuple[float, float],
    mlqa: tuple[float, float],
) -> None:
    question = Question("q", "?", gold, (Answer(gold, 0),))
    (score,) = score_answers([question], {"q": prediction}, language)
    assert (score.squad_exact, score.squad_f1) == pytest.approx(squad)
    assert (score.mlqa_exact, score.mlqa_f1) == pytest.approx(mlqa)


def test_the_best_gold_answer_counts_for_each_metric_by_itself() -> None:
    assert exact_match("big dog", ["cat", "Big dog."], normalise_squad)
    assert f1("big dog", ["cat", "dog", "big dog house"], normalise_squad) == pytest.approx(0.8)


@given(text=TEXTS, language=LANGUAGES)
def test_a_gold_answer_matches_itself_and_scores_by_its_words(text: str, language: str) -> None:
    question = Question("q", "?", "c", (Answer("x", 0), Answer(text, 0)))
    (score,) = score_answers([question], {"q": text}, language)
    assert score.squad_exact == score.mlqa_exact == 100
    assert score.squad_f1 == (100 if normalise_squad(text) else 0)
    assert score.mlqa_f1 == (100 if normalise_mlqa(text, language) else 0)


@given(one=TEXTS, other=TEXTS)
def test_f1_is_symmetric_within_bounds_and_1_only_for_the_same_bag(one: str, other: str) -> None:
    value = f1(one, [other], normalise_squad)
    assert value == pytest.approx(f1(other, [one], normalise_squad))
    assert 0 <= value <= 1
    words = [sorted(normalise_squad(text).split()) for text in (one, other)]
    assert (value == 1) == (words[0] == words[1] != [])


def two() -> list[Question]:
    return [Question(name, "?", "dog", (Answer("dog", 0),)) for name in ("p", "q")]


def test_scores_come_one_a_question_and_their_means_by_metric() -> None:
    scores = score_answers(two(), {"q": "dog", "p": "big dog"}, "en-GB")
    assert [score.id for score in scores] == ["p", "q"]
    assert mean_scores(scores) == pytest.approx(
        {"squad_exact": 50, "squad_f1": 250 / 3, "mlqa_exact": 50, "mlqa_f1": 250 / 3}
    )


def test_where_the_language_is_not_known_there_are_squad_scores_only() -> None:
    scores = score_answers(two(), {"q": "dog", "p": "dog"}, "")
    assert scores[0].mlqa_f1 is None
    assert mean_scores(scores) == {"squad_exact": 100, "squad_f1": 100}


@pytest.mark.parametrize(
    ("answered", "complaint"),
    [
        ({"p": "dog"}, "without an answer: 1 ('q'); answers to unknown questions: 0"),
        ({"p": "", "q": "", "r": ""}, "without an answer: 0; answers to unknown questions: 1 ('r'"),
    ],
)
def test_answers_that_do_not_fit_the_questions_are_refused(
    answered: dict[str, str], complaint: str
) -> None:
    with pytest.raises(InputError) as error:
        score_answers(two(), answered, "en")
    assert complaint in str(error.value)


def test_scores_of_no_question_are_refused() -> None:
    with pytest.raises(InputError, match="at least one question"):
        score_answers([], {}, "en")
