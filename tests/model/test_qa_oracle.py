"""Our SQuAD v1.1 metrics against those of torchmetrics."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from torchmetrics.functional.text import squad

from clism_ray.tasks.qa_metrics import normalise_squad, score_answers
from clism_ray.tasks.qa_questions import Answer, Question

WORDS = st.sampled_from(
    ["the", "a", "An", "dog", "Dog,", "big", "U.S.", "$3.5", "中国", "« »", " ", "-"]
)
TEXTS = st.lists(WORDS, max_size=5).map(" ".join) | st.text(max_size=8)


@given(prediction=TEXTS, golds=st.lists(TEXTS, min_size=1, max_size=3))
def test_squad_scores_equal_those_of_torchmetrics(prediction: str, golds: list[str]) -> None:
    # torchmetrics follows SQuAD v2.0 where no word is left: there F1 is 1 for two empty texts.
    assume(all(normalise_squad(text) for text in (prediction, *golds)))
    question = Question("q", "?", "c", tuple(Answer(gold, None) for gold in golds))
    (score,) = score_answers([question], {"q": prediction}, "en")
    expected = squad(
        {"id": "q", "prediction_text": prediction},
        {"id": "q", "answers": {"text": golds, "answer_start": [0] * len(golds)}},
    )
    assert score.squad_exact == float(expected["exact_match"])
    assert score.squad_f1 == pytest.approx(float(expected["f1"]), abs=1e-4)
