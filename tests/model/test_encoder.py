"""Encoders of several families: packed or padded, every sequence attends to itself only."""

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForMaskedLM,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    XLMRobertaConfig,
)

from clism_ray.config import ModelConfig, ScratchConfig
from clism_ray.errors import InputError
from clism_ray.model import attention
from clism_ray.model.attention import PACKED
from clism_ray.model.encoder import (
    check_start,
    encode,
    load_masked_lm,
    mlm_head,
)
from clism_ray.model.span_reader import positions

VOCABULARY = 500  # smaller than the tokenizer's 600: a start grows to fit
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 130,
    "pad_token_id": 1,
}
FAMILIES: dict[str, Callable[[], PreTrainedConfig]] = {
    "xlm-roberta": lambda: XLMRobertaConfig(**SIZES, type_vocab_size=1),
    "roberta": lambda: RobertaConfig(**SIZES, type_vocab_size=1),
    "bert": lambda: BertConfig(**SIZES),
    "electra": lambda: ElectraConfig(**SIZES, embedding_size=8),
    "modernbert": lambda: ModernBertConfig(
        **SIZES, **dict.fromkeys(["bos_token_id", "cls_token_id"], 0), local_attention=4
    ),
}
OFFSETS = [0, 5, 9, 20, 22]


@pytest.fixture(scope="session")
def starts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A tiny random model of each family, on disk."""
    folders = {name: tmp_path_factory.mktemp("starts") / name for name in FAMILIES}
    for name, config in FAMILIES.items():
        torch.manual_seed(1)
        AutoModelForMaskedLM.from_config(config()).save_pretrained(folders[name])
    return {name: str(folder) for name, folder in folders.items()}


def load(
    start: str | None, tokenizer: PreTrainedTokenizerFast, max_tokens: int = 64
) -> PreTrainedModel:
    torch.manual_seed(2)
    return load_masked_lm(ModelConfig(start=start), tokenizer, max_tokens).eval()


def run_of_tokens() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    ids = torch.randint(5, VOCABULARY, (OFFSETS[-1],))
    types = torch.zeros_like(ids)
    types[3:5] = types[14:20] = 1
    return ids, types


def one_by_one(masked_lm: PreTrainedModel) -> torch.Tensor:
    """The states by the family's own attention, a sequence at a time."""
    ids, types = run_of_tokens()
    encoder = masked_lm.base_model
    has_types = getattr(encoder.config, "type_vocab_size", 0) > 1
    return torch.cat(
        [
            encoder(
                input_ids=ids[None, a:b],
                attention_mask=torch.ones(1, b - a, dtype=torch.long),
                **({"token_type_ids": types[None, a:b]} if has_types else {}),
            )[0][0]
            for a, b in pairwise(OFFSETS)
        ]
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_the_states_are_those_of_every_sequence_alone_and_so_are_the_gradients(
    family: str, starts: dict[str, str], tokenizer: PreTrainedTokenizerFast
) -> None:
    together = load(starts[family], tokenizer)
    assert (together.config._attn_implementation == PACKED) is (family != "modernbert")
    alone = load(starts[family], tokenizer)
    alone.set_attn_implementation("sdpa")
    outputs = [encode(together.base_model, *run_of_tokens(), OFFSETS), one_by_one(alone)]
    assert torch.allclose(*outputs, atol=1e-5)
    for states in outputs:
        (states * torch.arange(16.0)).sum().backward()
    pulled = 0
    for one, other in zip(together.parameters(), alone.parameters(), strict=True):
        if one.grad is None or other.grad is None:
            assert one.grad is other.grad  # no part of the encoder
            continue
        pulled += 1
        assert torch.allclose(one.grad, other.grad, rtol=1e-4, atol=1e-4)
    assert pulled > 10


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_and_padded_states_are_the_same(
    family: str, starts: dict[str, str], tokenizer: PreTrainedTokenizerFast
) -> None:
    masked_lm = load(starts[family], tokenizer)
    packed = encode(masked_lm.base_model, *run_of_tokens(), OFFSETS)
    masked_lm.set_attn_implementation("sdpa")
    padded = encode(masked_lm.base_model, *run_of_tokens(), OFFSETS)
    assert torch.allclose(packed, padded, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_head_gives_the_models_own_logits(
    family: str, starts: dict[str, str], tokenizer: PreTrainedTokenizerFast
) -> None:
    masked_lm = load(starts[family], tokenizer)
    masked_lm.set_attn_implementation("sdpa")
    ids = run_of_tokens()[0][None]
    mask = torch.ones_like(ids)
    states = masked_lm.base_model(input_ids=ids, attention_mask=mask)[0]
    logits = masked_lm(input_ids=ids, attention_mask=mask).logits
    assert torch.allclose(mlm_head(masked_lm)(states), logits, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_start_gets_rows_for_new_tokens_and_keeps_the_old_ones(
    family: str, starts: dict[str, str], tokenizer: PreTrainedTokenizerFast
) -> None:
    masked_lm = load(starts[family], tokenizer)
    before = AutoModelForMaskedLM.from_pretrained(starts[family])
    old, new = (model.get_input_embeddings().weight for model in (before, masked_lm))
    assert len(new) == len(tokenizer)
    assert torch.equal(new[:VOCABULARY], old)
    assert new[VOCABULARY:].norm(dim=1).min() > 0.2 * old[5:].norm(dim=1).mean()
    assert masked_lm.get_output_embeddings().weight is new  # still tied


def test_a_start_with_room_for_every_token_keeps_its_size(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    config = BertConfig(**{**SIZES, "vocab_size": 700})
    AutoModelForMaskedLM.from_config(config).save_pretrained(tmp_path)
    assert len(load(str(tmp_path), tokenizer).get_input_embeddings().weight) == 700


def test_positions_are_those_a_sequence_can_use() -> None:
    assert positions(FAMILIES["bert"]()) == 130
    assert positions(FAMILIES["xlm-roberta"]()) == 128  # counted from the padding id + 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_start_with_too_few_positions_is_refused_and_one_that_just_fits_works(
    family: str, starts: dict[str, str], tokenizer: PreTrainedTokenizerFast
) -> None:
    room = positions(FAMILIES[family]())
    longest = load(starts[family], tokenizer, room)
    ids = torch.full((room,), 7)
    encode(longest.base_model, ids, torch.zeros_like(ids), [0, room])
    for refuse in (
        lambda: load(starts[family], tokenizer, room + 1),
        lambda: check_start(ModelConfig(start=starts[family]), room + 1),
    ):
        with pytest.raises(InputError, match=f"up to {room + 1} tokens.*has {room} positions"):
            refuse()


def test_a_start_is_checked_without_loading_it(starts: dict[str, str], tmp_path: Path) -> None:
    check_start(ModelConfig(start=starts["electra"]), 64)
    with pytest.raises(InputError, match=r"cannot be loaded"):
        check_start(ModelConfig(start=str(tmp_path)), 64)
    config = DistilBertConfig(dim=16, n_heads=2, n_layers=1, hidden_dim=8, vocab_size=50)
    config.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"DistilBertForMaskedLM: its MLM head is in 5 parts"):
        check_start(ModelConfig(start=str(tmp_path)), 64)


def test_a_start_from_nothing_has_the_shape_of_the_settings(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    shape = ScratchConfig(layers=1, hidden=8, heads=2, intermediate=12)
    made = load_masked_lm(ModelConfig(scratch=shape), tokenizer, 40)
    assert made.config.model_type == "xlm-roberta"
    assert positions(made.config) == 40
    assert made.get_input_embeddings().weight.shape == (len(tokenizer), 8)
    with pytest.raises(InputError, match=r"hidden 8 is no multiple of heads 3"):
        load_masked_lm(ModelConfig(scratch=ScratchConfig(hidden=8, heads=3)), tokenizer, 40)


def test_weights_that_are_pickled_are_never_loaded(
    starts: dict[str, str], tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(starts["bert"], folder)
    torch.save(
        AutoModelForMaskedLM.from_pretrained(folder).state_dict(), folder / "pytorch_model.bin"
    )
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"cannot be loaded"):
        load(str(folder), tokenizer)


def test_weights_of_another_shape_than_the_configuration_are_refused(
    starts: dict[str, str], tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    start = shutil.copytree(starts["bert"], tmp_path / "start")
    config = (start / "config.json").read_text()
    (start / "config.json").write_text(config.replace('"hidden_size": 16', '"hidden_size": 18'))
    with pytest.raises(InputError, match=r"model\.start .*cannot be loaded"):
        load(str(start), tokenizer)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage")
def test_the_one_kernel_of_gpus_gives_the_same_states_and_gradients(
    starts: dict[str, str], tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "_attend_each", attention._attend_jagged)
    jagged, alone = (load(starts["xlm-roberta"], tokenizer) for _ in range(2))
    alone.set_attn_implementation("sdpa")
    for states in (encode(jagged.base_model, *run_of_tokens(), OFFSETS), one_by_one(alone)):
        (states * torch.arange(16.0)).sum().backward()
    for one, other in zip(jagged.parameters(), alone.parameters(), strict=True):
        assert (one.grad is None) is (other.grad is None)
        if one.grad is not None and other.grad is not None:
            assert torch.allclose(one.grad, other.grad, rtol=1e-4, atol=1e-4)


def test_layers_and_their_recomputation_meet_the_same_bounds(
    starts: dict[str, str], tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jagged tensors of other bounds, though they be equal, are of another shape to PyTorch."""
    kernel, met = attention._attend_each, []

    def attend(*inputs: Any) -> torch.Tensor:
        met.append(inputs[3].on_device_N1)
        return kernel(*inputs)

    monkeypatch.setattr(attention, "_attend_each", attend)
    masked_lm = load(starts["xlm-roberta"], tokenizer).train()
    masked_lm.config.use_cache = False
    masked_lm.activation_checkpointing_enable({"use_reentrant": False})
    encode(masked_lm.base_model, *run_of_tokens(), OFFSETS).sum().backward()
    assert len(met) == 4  # two layers, forward and again
    assert len(set(map(id, met))) == 1
