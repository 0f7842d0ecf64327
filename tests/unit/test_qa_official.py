"""Stored predictions score what the official scripts of SQuAD v1.1 and of MLQA gave them.

The figures are means of what the functions of `evaluate-v1.1.py` and `mlqa_evaluation_v1.py` gave.
"""

from statistics import fmean

import pytest

from clism_ray.tasks.qa_metrics import score_answers
from clism_ray.tasks.qa_questions import Answer, Question

ANSWERS: dict[str, list[tuple[str, tuple[str, ...]]]] = {  # predictions with their gold answers
    "en": [
        ("the Danube.", ("Danube", "the river Danube")),
        ("in a small  town near Linz", ("a town near Linz",)),
        ("3,500", ("3500 sheep",)),
        ("The", ("a",)),
        ("€20 million", ("20 million euros", "$20 million")),
    ],
    "de": [
        ("Die Donau", ("der Donau", "Donau")),
        ("eines der ältesten Klöster", ("das älteste Kloster", "den ältesten Klöstern")),
        ("„Grüß Gott“", ("Grüß Gott!",)),
        ("seit dem 12. Jahrhundert", ("12. Jahrhundert",)),
    ],
    "es": [
        ("¿Los Andes?", ("los Andes",)),
        ("en unas casas de la costa", ("casas de la costa", "la costa")),
        ("el 4,5 %", ("4,5%",)),
    ],
    "ar": [
        ("في المدينة القديمة", ("المدينة القديمة",)),
        ("عام ١٩٤٥، في الربيع", ("ربيع عام ١٩٤٥",)),
        ("الالماس", ("ماس",)),
    ],
    "hi": [
        ("गंगा नदी के किनारे।", ("गंगा के किनारे", "नदी")),
        ("the किताब", ("किताब",)),
    ],
    "vi": [
        ("những con sông của miền Bắc", ("con sông miền Bắc",)),
        ("Là Hà Nội", ("Hà Nội", "thành phố Hà Nội")),
        ("lá xanh", ("là xanh",)),
    ],
    "zh": [
        ("在北京市，朝阳区", ("北京市朝阳区", "朝阳")),
        ("UNESCO 总部", ("联合国教科文组织（UNESCO）总部",)),
        ("㐀字", ("字",)),
        ("1998年3月", ("1998 年",)),
    ],
}
OFFICIAL = {  # exact match and F1 by SQuAD's script, by MLQA's
    "en": (40.000000, 58.333333, 40.000000, 58.333333),
    "de": (0.000000, 40.476190, 50.000000, 82.500000),
    "es": (0.000000, 65.555556, 66.666667, 95.238095),
    "ar": (0.000000, 36.190476, 33.333333, 88.571429),
    "hi": (50.000000, 78.571429, 0.000000, 76.190476),
    "vi": (0.000000, 70.000000, 66.666667, 88.888889),
    "zh": (0.000000, 0.000000, 0.000000, 67.124542),
}


@pytest.mark.parametrize("language", ANSWERS)
def test_stored_predictions_score_as_by_the_official_scripts(language: str) -> None:
    pairs = ANSWERS[language]
    questions = [
        Question(str(n), "?", golds[0], tuple(Answer(gold, 0) for gold in golds))
        for n, (_, golds) in enumerate(pairs)
    ]
    said = {str(n): prediction for n, (prediction, _) in enumerate(pairs)}
    scores = [score[1:] for score in score_answers(questions, said, language)]
    means = [fmean(column) for column in zip(*scores, strict=True)]
    assert means == pytest.approx(OFFICIAL[language], abs=1e-5)
