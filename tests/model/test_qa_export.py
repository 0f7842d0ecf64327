"""A model that answers as a folder: ours, transformers' own, and the reader that lies in it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    PreTrainedTokenizerFast,
)

from clism_ray.config import ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.errors import InputError
from clism_ray.masking.examples import vocabulary
from clism_ray.masking.tokenizer import QUESTION
from clism_ray.model.export import READER, SPAN_HEAD, export_model
from clism_ray.model.linear_head import LINEAR_HEAD
from clism_ray.model.pretrainer import build_model
from clism_ray.model.span_reader import SpanReader
from clism_ray.tasks.qa_answers import Found, answer_questions
from clism_ray.tasks.qa_batch import pack, to_tensors
from clism_ray.tasks.qa_export import (
    Answering,
    export_answer_model,
    load_answer_model,
)
from clism_ray.tasks.qa_windows import WindowLimits, windows_to_answer
from clism_ray.tasks.reading import READING
from tests.model.folders import FAMILIES, POSITIONS, QUESTIONS, answering, shards

LIMITS = WindowLimits(max_tokens=30, stride=9, max_question_tokens=7)
PLAIN = WindowLimits(max_tokens=30, stride=9, max_question_tokens=7, with_question_token=False)
CPU = torch.device("cpu")

Export = Callable[[str, WindowLimits], tuple[Path, Answering]]


@pytest.fixture
def export(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> Export:
    """Make a model, export it, and give the folder and what was exported."""

    def make(family: str, limits: WindowLimits) -> tuple[Path, Answering]:
        model = answering(family, tokenizer, tmp_path / "start", limits)
        folder = tmp_path / "tuned"
        export_answer_model(folder, model, shards(model), tokenizer, limits, "# a card\n")
        return folder, Answering(model, vocabulary(tokenizer), limits)

    return make


def answers(
    answering: Answering, n_best: int = 20, max_answer_tokens: int = 30
) -> dict[str, list[Found]]:
    windows, _ = windows_to_answer(QUESTIONS, answering.words, answering.limits)
    assert len(windows) > len(QUESTIONS) + 1
    return answer_questions(
        answering.model,
        QUESTIONS,
        windows,
        n_best=n_best,
        max_answer_tokens=max_answer_tokens,
    )


def close(one: Found, other: Found) -> bool:
    return one[:3] == other[:3] and one[3:] == pytest.approx(other[3:], abs=1e-3)


@pytest.mark.parametrize("limits", [LIMITS, PLAIN])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_loaded_model_answers_as_before(
    family: str, limits: WindowLimits, export: Export
) -> None:
    folder, before = export(family, limits)
    after = load_answer_model(folder)
    assert after.limits == limits
    for one, other in zip(answers(before).values(), answers(after).values(), strict=True):
        assert len(one) == len(other) > 10
        assert all(map(close, one, other))


@pytest.mark.parametrize("family", ["xlm-roberta", "bert"])
def test_transformers_own_class_gives_a_plain_model_s_scores(family: str, export: Export) -> None:
    folder, (model, words, limits) = export(family, PLAIN)
    theirs = AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    asked = QUESTIONS[1]
    window = windows_to_answer([asked], words, limits)[0][0]
    batch = pack([window])
    with torch.no_grad():
        ours = model.point(to_tensors(batch, CPU), batch.offsets_N1.tolist())
        inputs = {"input_ids": batch.ids_T}
        if family == "bert":
            inputs["token_type_ids"] = batch.types_T
        scores = theirs(**{name: torch.from_numpy(part)[None] for name, part in inputs.items()})
    assert torch.allclose(ours.start_QT, scores.start_logits, atol=1e-4)
    assert torch.allclose(ours.end_QT, scores.end_logits, atol=1e-4)
    # The tokenizer's own template for two texts has the tokens of our windows.
    assert tokenizer(asked.question, asked.context)["input_ids"] == window.ids_L.tolist()


def test_a_plain_folder_holds_transformers_class_and_nothing_of_our_own(export: Export) -> None:
    folder, _ = export("bert", PLAIN)
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["BertForQuestionAnswering"]
    assert "packed" not in json.dumps(config)
    assert "qa_outputs.weight" in load_file(folder / "model.safetensors")
    names = {path.name for path in folder.iterdir()}
    assert not names & {SPAN_HEAD, LINEAR_HEAD, READER}
    assert (folder / "README.md").read_text() == "# a card\n"


def test_where_transformers_class_has_another_layer_the_head_lies_beside_the_encoder(
    export: Export,
) -> None:
    folder, _ = export("modernbert", PLAIN)
    assert json.loads((folder / "config.json").read_text())["architectures"] == ["ModernBertModel"]
    assert {name: list(part.shape) for name, part in load_file(folder / LINEAR_HEAD).items()} == {
        "weight": [2, 16],
        "bias": [2],
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_with_que_holds_the_encoder_the_head_and_the_reader(
    family: str, export: Export
) -> None:
    folder, (model, words, _) = export(family, LIMITS)
    assert set(load_file(folder / SPAN_HEAD)) == {"start.weight", "end.weight"}
    assert (folder / READER).is_file()
    assert AutoTokenizer.from_pretrained(folder).get_vocab()[QUESTION] == words.question
    encoder = AutoModel.from_pretrained(folder)
    ours = model.encoder.state_dict()
    assert all(torch.equal(encoder.state_dict()[name], ours[name]) for name in ours)


@pytest.mark.parametrize(("n_best", "max_answer_tokens"), [(20, 30), (5, 2), (300, 4)])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_reader_gives_our_answers(
    family: str, n_best: int, max_answer_tokens: int, export: Export
) -> None:
    folder, before = export(family, LIMITS)
    ours = answers(before, n_best, max_answer_tokens)
    reader = SpanReader.from_folder(folder)
    for asked in QUESTIONS:
        theirs = reader.answers(asked.question, asked.context, n_best, max_answer_tokens)
        assert len(theirs) == len(ours[asked.id])
        assert all(map(close, ours[asked.id], theirs))
        if (n_best, max_answer_tokens) == (20, 30):
            assert reader.answer(asked.question, asked.context) == theirs[0]


def test_the_reader_says_when_it_cuts_a_question_and_refuses_blank_texts(export: Export) -> None:
    folder, before = export("xlm-roberta", LIMITS)
    reader = SpanReader.from_folder(folder)
    asked = QUESTIONS[0]
    long = asked.question * 5
    with pytest.warns(UserWarning, match=r"question of \d+ tokens cut to 7"):
        cut = reader.answer(long, asked.context)
    windows, counts = windows_to_answer(
        [type(asked)("long", long, asked.context, ())], before.words, before.limits
    )
    assert counts.questions_cut == 1
    assert close(answer_questions(before.model, [asked], windows)["long"][0], cut)
    for pair in ((" ", "text"), ("text", "\n")):
        with pytest.raises(ValueError, match="blank"):
            reader.answer(*pair)


def test_a_pre_trained_folder_answers_through_its_span_head(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    shape = ScratchConfig(layers=1, hidden=16, heads=2, intermediate=24)
    model = build_model(
        ModelConfig(scratch=shape),
        TokenizerConfig(max_source_tokens=15, max_target_tokens=15),
        tokenizer,
        temperature=0.1,
        language_pairs=1,
        precision="fp32",
        seed=5,
    )
    export_model(tmp_path / "best", model.masked_lm, model.state_dict(), tokenizer, "")
    loaded = load_answer_model(tmp_path / "best")
    assert loaded.limits == WindowLimits(max_tokens=30, stride=9, max_question_tokens=7)
    assert torch.equal(loaded.model.head.state_dict()["start.weight"], model.span_head.start.weight)
    assert set(answers(loaded)) == {question.id for question in QUESTIONS}


def test_folders_that_cannot_answer_are_refused(export: Export, tmp_path: Path) -> None:
    def told(folder: Path) -> str:
        with pytest.raises(InputError) as error:
            load_answer_model(folder)
        return str(error.value)

    assert "no such folder" in told(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    assert "no head to answer with" in told(tmp_path / "empty")
    folder, _ = export("bert", LIMITS)
    reading = folder / READING
    whole = reading.read_text()
    for old, new, message in [
        ('"answers"', '"entities"', "the model is for 'entities', expected 'answers'"),
        ('"stride": 9', '"stride": "9"', "stride: Input should be a valid integer"),
        ('"stride": 9', '"stride": 90', "must be at least the stride"),
        ('"stride"', '"step"', "max_question_tokens, max_tokens, step, with_question_token"),
        (
            'max_tokens": 30',
            f'max_tokens": {POSITIONS + 1}',
            f"max_tokens {POSITIONS + 1}, but the encoder has 60",
        ),
        ("{", "", "is not JSON"),
    ]:
        assert old in whole
        reading.write_text(whole.replace(old, new))
        assert message in told(folder)
        assert str(reading) in told(folder)
    reading.write_text(whole)
    (folder / SPAN_HEAD).unlink()
    assert SPAN_HEAD in told(folder)
    (folder / "model.safetensors").write_bytes(b"cut")
    assert "cannot be loaded" in told(folder)


def test_an_export_older_than_a_setting_reads_under_its_default(export: Export) -> None:
    folder, _ = export("bert", LIMITS)
    settings = json.loads((folder / READING).read_text())
    del settings["max_answer_tokens"]
    (folder / READING).write_text(json.dumps(settings))
    assert load_answer_model(folder).limits.max_answer_tokens == 30
    assert SpanReader.from_folder(folder).max_answer_tokens == 30


def test_a_plain_folder_without_its_head_is_refused(export: Export) -> None:
    folder, _ = export("bert", PLAIN)
    weights = load_file(folder / "model.safetensors")
    del weights["qa_outputs.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"has no weights qa_outputs\.weight; export it again"):
        load_answer_model(folder)


def test_an_export_that_fails_leaves_the_one_before_it(
    export: Export, tokenizer: PreTrainedTokenizerFast
) -> None:
    folder, (model, _, limits) = export("bert", LIMITS)
    weights = shards(model)
    weights["head.start.weight"] = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        export_answer_model(folder, model, weights, tokenizer, limits, "another")
    assert (folder / "README.md").read_text() == "# a card\n"
    assert sorted(path.name for path in folder.parent.iterdir()) == ["start", "tuned"]
