"""The file in a model folder answers where this package is not, as this package does."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM, BertConfig, PreTrainedTokenizerFast, XLMRobertaConfig

from clism_ray.config import ModelConfig, TokenizerConfig
from clism_ray.masking.examples import vocabulary
from clism_ray.masking.tokenizer import train_tokenizer
from clism_ray.model.export import export_model
from clism_ray.model.pretrainer import build_model
from clism_ray.tasks.qa_export import export_answer_model
from clism_ray.tasks.qa_model import build_answer_model
from clism_ray.tasks.qa_pipeline import QuestionAnswerer
from clism_ray.tasks.qa_windows import WindowLimits

Export = Callable[[ModelConfig, PreTrainedTokenizerFast, Path], None]

PASSAGE = " ".join(f"the {name} is {place} ." for place, name in enumerate("abcdefghijkl", 10))
ASKED = ["what is b ?", "is the k 20 ?"]
ASK = """
import json, sys
sys.modules.update(dict.fromkeys(["clism_ray", "ray", "deepspeed"]))  # None: cannot be imported
sys.path.insert(0, sys.argv[1])
from span_head import SpanReader
reader = SpanReader.from_folder(sys.argv[1])
folder, passage, *asked = sys.argv[1:]
found = [reader.answers(question, passage) for question in asked]
print(json.dumps([[answer._asdict() for answer in best] for best in found]))
"""


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer([PASSAGE, *ASKED], 60)


def fine_tuned(start: ModelConfig, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    limits = WindowLimits(max_tokens=40, stride=9, max_question_tokens=16)
    model = build_answer_model(start, vocabulary(tokenizer), limits, precision="fp32", seed=1)
    for weight in model.head.parameters():
        torch.nn.init.normal_(weight)
    export_answer_model(folder, model, model.state_dict(), tokenizer, limits, "# a card\n")


def pre_trained(start: ModelConfig, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    limits = TokenizerConfig(max_source_tokens=20, max_target_tokens=20)
    loss = {"temperature": 0.1, "language_pairs": 1}
    model = build_model(start, limits, tokenizer, **loss, precision="fp32", seed=1)
    for weight in model.span_head.parameters():
        torch.nn.init.normal_(weight)
    export_model(folder, model.masked_lm, model.state_dict(), tokenizer, "# a card\n")


@pytest.mark.parametrize("export", [fine_tuned, pre_trained])
@pytest.mark.parametrize("kind", [BertConfig, XLMRobertaConfig])
def test_the_reader_of_a_folder_answers_without_this_package(
    kind: type, export: Export, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    config = kind(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=60,
        pad_token_id=tokenizer.pad_token_id,
    )
    AutoModelForMaskedLM.from_config(config).save_pretrained(tmp_path / "start")
    made = tmp_path / "made"
    export(ModelConfig(start=str(tmp_path / "start")), tokenizer, made)
    ours = QuestionAnswerer(made, device="cpu")(question=ASKED, context=PASSAGE, top_k=20)

    moved = tmp_path / "elsewhere" / "model"
    shutil.move(made, moved)
    command = [sys.executable, "-I", "-c", ASK, str(moved), PASSAGE, *ASKED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "newly initialized" not in done.stderr
    for here, there in zip(ours, json.loads(done.stdout), strict=True):
        assert isinstance(here, list)
        assert len(here) > 10
        for one, other in zip(here, there, strict=True):
            assert (one["answer"], one["start"], one["end"]) == (
                other["text"],
                other["start"],
                other["end"],
            )
            assert one["score"] == pytest.approx(other["probability"], abs=1e-3)
