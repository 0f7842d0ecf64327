"""What parts of the package do without, in interpreters of their own: no Ray, no package here."""

import subprocess
import sys
from pathlib import Path

import torch

from clism_ray.config import ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.masking.tokenizer import save_tokenizer, train_tokenizer
from clism_ray.model.encoder import encode
from clism_ray.model.export import export_model
from clism_ray.model.pretrainer import build_model
from tests.corpora import write_tiny_corpus

ROOT = Path(__file__).resolve().parents[2]

IMPORT_THE_CORE = """
import sys
import clism_ray.corpus.stages, clism_ray.masking.microbatch
import clism_ray.model.pretrainer, clism_ray.model.export, clism_ray.train.step
print(*sorted({"ray", "deepspeed", "mlflow", "py3langid"} & set(sys.modules)))
"""

MASK_WITHOUT_TORCH = """
import sys
import clism_ray.masking.stream
from clism_ray.config import MaskingConfig, TokenizerConfig
from clism_ray.masking.microbatch import Recipe, build
from clism_ray.masking.order import Slot
limits, masking = TokenizerConfig(), MaskingConfig()
recipe = Recipe(*sys.argv[1:], limits, masking, pairs=4, slots=1, seed=1)
print(len(build(recipe, Slot(0, 0, 0)).row_id_B), "torch" in sys.modules)
"""

IMPORT_A_TRIAL = """
import sys
import clism_ray.train.trial
print(*sorted({"torch", "transformers", "deepspeed", "mlflow", "optuna"} & set(sys.modules)))
"""

LOAD_ELSEWHERE = """
import sys
sys.modules.update(dict.fromkeys(["clism_ray", "ray", "deepspeed"]))  # None: cannot be imported
import torch
from transformers import AutoModel, AutoTokenizer
encoder = AutoModel.from_pretrained(sys.argv[1]).eval()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
assert tokenizer.tokenize("a [QUE] b").count("[QUE]") == 1
with torch.no_grad():
    states = encoder(**tokenizer(sys.argv[2], return_tensors="pt")).last_hidden_state
torch.save(states, sys.argv[3])
"""


def python(folder: Path, *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_the_core_imports_neither_ray_nor_deepspeed_nor_mlflow_nor_a_model_of_languages() -> None:
    assert python(ROOT, "-c", IMPORT_THE_CORE) == ""


def test_a_process_that_masks_needs_no_torch(tmp_path: Path) -> None:
    corpus, tokenizer = tmp_path / "corpus", tmp_path / "tokenizer"
    write_tiny_corpus(corpus, rows=20)
    save_tokenizer(train_tokenizer(["Paris is a [QUE] ."], 60), tokenizer)
    assert python(ROOT, "-c", MASK_WITHOUT_TORCH, str(corpus), str(tokenizer)) == "4 False"


def test_the_process_of_a_trial_leaves_to_others_what_is_slow_to_import() -> None:
    assert python(ROOT, "-c", IMPORT_A_TRIAL) == ""


def test_an_exported_encoder_loads_where_this_package_is_not(tmp_path: Path) -> None:
    text = "Paris is a [QUE] ."
    tokenizer = train_tokenizer([text], 60)
    shape = ScratchConfig(layers=2, hidden=16, heads=2, intermediate=24)
    model = build_model(
        ModelConfig(scratch=shape),
        TokenizerConfig(),
        tokenizer,
        temperature=0.1,
        language_pairs=1,
        precision="fp32",
        seed=5,
    ).eval()
    folder, out = tmp_path / "best", tmp_path / "states"
    export_model(folder, model.masked_lm, model.state_dict(), tokenizer, "# a card\n")
    python(tmp_path, "-I", "-c", LOAD_ELSEWHERE, str(folder), text, str(out))
    ids = torch.tensor(tokenizer(text)["input_ids"])
    with torch.no_grad():
        states = encode(model.masked_lm.base_model, ids, torch.zeros_like(ids), [0, len(ids)])
    assert torch.allclose(torch.load(out)[0], states, atol=1e-5)
