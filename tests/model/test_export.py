"""A model as a Hugging Face folder, and back."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, PreTrainedTokenizerFast

from clism_ray.config import ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.errors import InputError
from clism_ray.masking.tokenizer import QUESTION
from clism_ray.model.attention import PACKED
from clism_ray.model.encoder import encode, mlm_head
from clism_ray.model.export import SPAN_HEAD, export_model, load_exported
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.records import Batch
from clism_ray.train.step import to_tensors


@pytest.fixture(scope="module")
def model(tokenizer: PreTrainedTokenizerFast) -> PretrainModel:
    return build_model(
        ModelConfig(scratch=ScratchConfig(layers=2, hidden=16, heads=2, intermediate=24)),
        TokenizerConfig(),
        tokenizer,
        temperature=0.1,
        language_pairs=2,
        precision="fp32",
        seed=5,
    ).eval()


@pytest.fixture(scope="module")
def folder(
    model: PretrainModel,
    tokenizer: PreTrainedTokenizerFast,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """An export from weights that share no memory, as they come from ZeRO's shards."""
    where = tmp_path_factory.mktemp("exported") / "best"
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    export_model(where, model.masked_lm, weights, tokenizer, "# a card\n")
    return where


def test_a_loaded_model_scores_and_guesses_as_before(
    model: PretrainModel, folder: Path, batch: Batch
) -> None:
    pointer = load_exported(folder)
    loaded = PretrainModel(pointer.masked_lm, 0.1, 2, "fp32")
    loaded.span_head = pointer.span_head
    loaded.eval()
    tensors, offsets = to_tensors(batch, torch.device("cpu")), batch.offsets_N1.tolist()
    with torch.no_grad():
        for before, after in zip(
            model.point(tensors, offsets), loaded.point(tensors, offsets), strict=True
        ):
            assert torch.allclose(before, after, atol=1e-5)
        states = torch.randn(3, 16)
        logits = [mlm_head(m.masked_lm)(states) for m in (model, loaded)]
    assert torch.allclose(*logits, atol=1e-5)
    assert pointer.tokenizer.get_vocab()[QUESTION] == len(pointer.tokenizer) - 1


def test_the_folder_holds_safetensors_and_names_no_attention_of_our_own(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", SPAN_HEAD, "tokenizer.json", "README.md"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl"))]
    config = json.loads((folder / "config.json").read_text())
    assert "packed" not in json.dumps(config)
    assert config["architectures"] == ["XLMRobertaForMaskedLM"]
    assert set(load_file(folder / SPAN_HEAD)) == {"start.weight", "end.weight"}
    assert (folder / "README.md").read_text() == "# a card\n"


def test_the_encoder_alone_gives_the_same_states_with_its_default_attention(
    model: PretrainModel, folder: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    encoder = AutoModel.from_pretrained(folder).eval()
    ids = torch.tensor(tokenizer("Paris is a [QUE] .")["input_ids"])
    with torch.no_grad():
        states = encode(model.masked_lm.base_model, ids, torch.zeros_like(ids), [0, len(ids)])
        assert torch.allclose(encoder(ids[None])[0][0], states, atol=1e-5)
    assert encoder.config._attn_implementation != PACKED


def test_an_export_replaces_the_one_before_it(
    model: PretrainModel, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    where = tmp_path / "best"
    for card in ("first", "second"):
        export_model(where, model.masked_lm, model.state_dict(), tokenizer, card)
        (where / f"left by {card}").touch()
    assert (where / "README.md").read_text() == "second"
    assert not (where / "left by first").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_a_folder_without_a_span_head_is_no_exported_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no exported model \(span_head.safetensors"):
        load_exported(tmp_path)
