"""The shape of a model without its weights, and what the forward keeps, against the real thing."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from weakref import ref

import pytest
import torch
from torch import Tensor
from transformers import BertConfig, PreTrainedTokenizerFast

from clism_ray.config import ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.errors import InputError
from clism_ray.masking.microbatch import Recipe, open_recipe
from clism_ray.model.export import export_model
from clism_ray.model.outline import outline, shape_of
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.model.shape import PUBLISHED, XLM_R_TOKENS
from clism_ray.records import Batch
from clism_ray.train.activations import kept
from clism_ray.train.cost import export_bytes
from clism_ray.train.estimate import load_of
from clism_ray.train.step import to_tensors

CPU = torch.device("cpu")
LIMITS = TokenizerConfig()
MOST = LIMITS.max_source_tokens + LIMITS.max_target_tokens
SCRATCH = ScratchConfig(layers=3, hidden=48, heads=4, intermediate=100)
TOLERANCE = 0.01  # of bytes kept for the backward


def built(model: ModelConfig, tokenizer: PreTrainedTokenizerFast, **more: str) -> PretrainModel:
    settings = {"temperature": 0.1, "language_pairs": 2, "precision": "fp32", "seed": 5, **more}
    return build_model(model, LIMITS, tokenizer, **settings)


@pytest.fixture
def bert(tmp_path: Path) -> str:
    """A folder with a config.json and nothing else."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    BertConfig(vocab_size=900, intermediate_size=64, **sizes).save_pretrained(tmp_path)
    return str(tmp_path)


def test_parameters_are_those_of_the_model_that_is_built(
    recipe: Recipe, tokenizer: PreTrainedTokenizerFast
) -> None:
    model = ModelConfig(scratch=SCRATCH)
    real = built(model, tokenizer)
    shape = shape_of(outline(model, len(tokenizer), MOST, tokenizer.pad_token_id))
    assert shape.parameters == sum(p.numel() for p in real.parameters())
    assert shape == shape_of(real)
    assert shape.matrices == 3 * (4 * 48 * 48 + 2 * 48 * 100)


@pytest.mark.parametrize("tokens", [None, 600, 1000])
def test_a_start_has_a_row_for_every_token(bert: str, tokens: int | None) -> None:
    found = outline(ModelConfig(start=bert), tokens, MOST)
    assert all(parameter.is_meta for parameter in found.parameters())
    assert shape_of(found).vocabulary == {None: 901, 600: 900, 1000: 1000}[tokens]


def test_xlm_r_has_the_parameters_that_were_published() -> None:
    for name, published in (("base", 278_295_186), ("large", 560_142_482)):
        hub = f"FacebookAI/xlm-roberta-{name}"
        shape = shape_of(outline(ModelConfig(start=hub), XLM_R_TOKENS, MOST))
        assert shape.parameters == published + 2 * PUBLISHED[hub].hidden ** 2  # the span head


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("somebody/never-published", "not on this disk.*hf download somebody/never-published"),
        ("/nowhere/at/all", "not on this disk"),
    ],
)
def test_a_start_that_is_not_here_is_told_in_a_sentence(start: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        outline(ModelConfig(start=start), None, MOST)


def test_a_start_with_too_few_positions_is_refused_as_a_run_would(bert: str) -> None:
    with pytest.raises(InputError, match=r"has 512 positions; lower tokenizer\.max_source_tokens"):
        outline(ModelConfig(start=bert), None, 600)


def kept_bytes(model: PretrainModel, batch: Batch) -> int:
    """Of all tensors that autograd saved for the backward, parameters and the batch left out."""
    tensors = to_tensors(batch, CPU)
    given = [*model.parameters(), *tensors.values()]
    known = {tensor.untyped_storage().data_ptr() for tensor in given}
    saved: dict[int, int] = {}
    alive: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            saved[storage.data_ptr()] = storage.nbytes()
        alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(tensors, batch.offsets_N1.tolist())
    return sum(saved.values())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_forward_keeps_as_many_bytes_as_are_counted(
    recipe: Recipe, batch: Batch, precision: str, dropout: float
) -> None:
    scratch = dataclasses.replace(SCRATCH, dropout=dropout)
    tokenizer = open_recipe(recipe).words.tokenizer
    model = built(ModelConfig(scratch=scratch), tokenizer, precision=precision)
    counted = kept(shape_of(model), load_of([batch]), precision, "cpu", recompute=False)
    found = sum(dataclasses.astuple(counted))
    assert kept_bytes(model, batch) == pytest.approx(found, rel=TOLERANCE)


def test_recomputing_keeps_the_inputs_of_the_layers(recipe: Recipe, batch: Batch) -> None:
    model = built(ModelConfig(scratch=SCRATCH), open_recipe(recipe).words.tokenizer)
    model.masked_lm.activation_checkpointing_enable({"use_reentrant": False})
    inputs: list[Callable[[], object]] = []
    sizes: list[int] = []

    def note(_: object, arguments: tuple[Tensor, ...]) -> None:
        inputs.append(ref(arguments[0]))
        sizes.append(arguments[0].nbytes)

    for layer in model.masked_lm.base_model.encoder.layer:
        layer.register_forward_pre_hook(note)
    shape, load = shape_of(model), load_of([batch])
    out = model(to_tensors(batch, CPU), batch.offsets_N1.tolist())
    assert out["mlm"].requires_grad
    assert all(alive() is not None for alive in inputs)
    again = kept(shape, load, "fp32", "cpu", recompute=True)
    one = kept(dataclasses.replace(shape, layers=1), load, "fp32", "cpu", recompute=False)
    assert sum(sizes) == again.layers - one.layers


def test_an_exported_model_has_the_size_that_is_counted(recipe: Recipe, tmp_path: Path) -> None:
    tokenizer = open_recipe(recipe).words.tokenizer
    wide = dataclasses.replace(SCRATCH, hidden=256, intermediate=1024)
    model = built(ModelConfig(scratch=wide), tokenizer)
    export_model(tmp_path / "out", model.masked_lm, model.state_dict(), tokenizer, "a card")
    written = sum(p.stat().st_size for p in (tmp_path / "out").glob("*.safetensors"))
    assert written == pytest.approx(export_bytes(shape_of(model)), rel=0.01)
