"""What fine-tuning starts with: an encoder, the head its folder holds or a drawn one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close
from transformers import (
    AutoModelForMaskedLM,
    BertConfig,
    ModernBertConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
)

from clism_ray.config import ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.errors import InputError
from clism_ray.masking.examples import Vocabulary, vocabulary
from clism_ray.model.export import SPAN_HEAD, export_model
from clism_ray.model.pretrainer import build_model
from clism_ray.model.span_head import SpanHead
from clism_ray.tasks.ner_sentences import Sentence
from clism_ray.tasks.ner_tagger import build_tagger, lay_out, tag_loss
from clism_ray.tasks.ner_tags import TagSet
from clism_ray.tasks.ner_windows import make_windows
from clism_ray.tasks.qa_batch import pack, to_tensors
from clism_ray.tasks.qa_model import PlainHead, build_answer_model
from clism_ray.tasks.qa_questions import Answer, Question
from clism_ray.tasks.qa_windows import WindowLimits, windows_to_train

LIMITS = WindowLimits(max_tokens=40, stride=8, max_question_tokens=8)
PLAIN = WindowLimits(max_tokens=40, stride=8, max_question_tokens=8, with_question_token=False)
TAGS = TagSet(["PER"])
SIZES = {
    "vocab_size": 500,  # smaller than the tokenizer's: a start grows to fit
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 60,
    "pad_token_id": 1,
}
FAMILIES: dict[str, Callable[[], PreTrainedConfig]] = {
    "bert": lambda: BertConfig(**SIZES),
    "roberta": lambda: RobertaConfig(**SIZES, type_vocab_size=1),
    "modernbert": lambda: ModernBertConfig(**SIZES, global_attn_every_n_layers=1),
}


@pytest.fixture(scope="module")
def words(tokenizer: PreTrainedTokenizerFast) -> Vocabulary:
    return vocabulary(tokenizer)


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelConfig]:
    """Encoders as a hub has them: other vocabularies, no span head."""
    folders = {name: tmp_path_factory.mktemp("starts") / name for name in FAMILIES}
    for name, config in FAMILIES.items():
        torch.manual_seed(1)
        AutoModelForMaskedLM.from_config(config()).save_pretrained(folders[name])
    return {name: ModelConfig(start=str(folder)) for name, folder in folders.items()}


@pytest.fixture
def best(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> ModelConfig:
    """A pre-trained folder of our own."""
    shape = ScratchConfig(layers=1, hidden=16, heads=2, intermediate=24)
    model = pretraining(ModelConfig(scratch=shape), tokenizer, seed=5)
    export_model(tmp_path / "best", model.masked_lm, model.state_dict(), tokenizer, "")
    return ModelConfig(start=str(tmp_path / "best"))


def pretraining(start: ModelConfig, tokenizer: PreTrainedTokenizerFast, seed: int):
    return build_model(
        start,
        TokenizerConfig(max_source_tokens=20, max_target_tokens=20),
        tokenizer,
        temperature=0.1,
        language_pairs=1,
        precision="fp32",
        seed=seed,
    )


def test_pre_training_goes_on_with_the_span_head_of_its_start(
    best: ModelConfig, starts: dict[str, ModelConfig], tokenizer: PreTrainedTokenizerFast
) -> None:
    for seed in (1, 2):
        head = pretraining(best, tokenizer, seed).span_head.state_dict()
        assert_close(head, load_file(f"{best.start}/{SPAN_HEAD}"))
    one, other = (pretraining(starts["bert"], tokenizer, seed) for seed in (1, 2))
    assert not torch.equal(one.span_head.start.weight, other.span_head.start.weight)


def answering(start: ModelConfig, words: Vocabulary, limits: WindowLimits, seed: int = 1):
    return build_answer_model(start, words, limits, precision="fp32", seed=seed)


@pytest.mark.parametrize("limits", [LIMITS, PLAIN])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_of_a_model_that_answers_has_a_part_in_the_loss(
    family: str, limits: WindowLimits, starts: dict[str, ModelConfig], words: Vocabulary
) -> None:
    model = answering(starts[family], words, limits)
    asked = [Question("q", "Paris ?", "Paris is one .", (Answer("one", 9),))]
    batch = pack(windows_to_train(asked, words, limits)[0])
    model(to_tensors(batch, torch.device("cpu")), batch.offsets_N1.tolist())[0].backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_of_a_tagger_has_a_part_in_the_loss(
    family: str, starts: dict[str, ModelConfig], words: Vocabulary
) -> None:
    model = build_tagger(starts[family], words, TAGS, max_tokens=40, precision="fp32", seed=1)
    sentence = Sentence("s", ("Anna", "sold"), ("B-PER", "O"))
    batch = lay_out(make_windows([sentence], words, TAGS, max_tokens=40, overlap=4)[0])
    tag_loss(model(batch), batch.label_W)[0].backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


def test_the_span_head_is_the_pre_trained_one_where_there_is_one(
    best: ModelConfig, starts: dict[str, ModelConfig], words: Vocabulary
) -> None:
    assert best.start
    saved = load_file(Path(best.start) / SPAN_HEAD)
    head = answering(best, words, LIMITS, seed=2).head
    assert isinstance(head, SpanHead)
    assert torch.equal(head.start.weight, saved["start.weight"])
    assert torch.equal(head.end.weight, saved["end.weight"])
    assert isinstance(answering(best, words, PLAIN).head, PlainHead)
    drawn = [answering(starts["bert"], words, LIMITS, seed).state_dict() for seed in (1, 1, 2)]
    assert torch.equal(drawn[0]["head.start.weight"], drawn[1]["head.start.weight"])
    assert not torch.equal(drawn[0]["head.start.weight"], drawn[2]["head.start.weight"])


@pytest.mark.parametrize("limits", [LIMITS, PLAIN])
def test_equal_seeds_give_equal_models_whatever_was_drawn_before(
    limits: WindowLimits, starts: dict[str, ModelConfig], words: Vocabulary
) -> None:
    one = answering(starts["bert"], words, limits).state_dict()
    torch.rand(3)
    other = answering(starts["bert"], words, limits).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    taggers = []
    for _ in range(2):
        torch.rand(3)
        taggers.append(
            build_tagger(starts["bert"], words, TAGS, max_tokens=40, precision="fp32", seed=1)
        )
    weights = [tagger.state_dict() for tagger in taggers]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_windows_longer_than_the_encoder_are_refused(
    starts: dict[str, ModelConfig], words: Vocabulary
) -> None:
    told = r"up to 61 tokens, but .*bert has 60 positions; lower max_tokens of a window$"
    with pytest.raises(InputError, match=told):
        answering(starts["bert"], words, WindowLimits(61, 8, 8))
    with pytest.raises(InputError, match=told):
        build_tagger(starts["bert"], words, TAGS, max_tokens=61, precision="fp32", seed=1)


def test_a_span_head_of_another_size_is_refused(best: ModelConfig, words: Vocabulary) -> None:
    assert best.start
    path = Path(best.start) / SPAN_HEAD
    save_file(SpanHead(8).state_dict(), path)
    with pytest.raises(InputError, match=r"holds .*\[8, 8\].* expected .*\[16, 16\]") as told:
        answering(best, words, LIMITS)
    assert str(told.value).startswith(str(path))
    path.write_bytes(b"no tensors")
    with pytest.raises(InputError, match="cannot be read"):
        answering(best, words, LIMITS)
