"""What many tests share: a small tokenizer, a small prepared corpus, one of its micro-batches."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from clism_ray.config import MaskingConfig, TokenizerConfig
from clism_ray.corpus.synthetic import pairs
from clism_ray.masking.microbatch import Recipe, build
from clism_ray.masking.order import Slot
from clism_ray.masking.tokenizer import save_tokenizer, train_tokenizer
from clism_ray.records import Batch
from tests.corpora import write_tiny_corpus

torch.set_num_threads(1)  # tensors of these tests are too small to share out


@pytest.fixture(scope="session")
def synthetic_texts() -> list[str]:
    """Both sides of some synthetic pairs, in Latin, Cyrillic, Devanagari and Chinese script."""
    made = pairs(1, 0, 300, ("de", "es", "ru", "hi", "zh"))
    return [text for pair in made for text in (pair.source, pair.target)]


@pytest.fixture(scope="session")
def tokenizer(synthetic_texts: list[str]) -> PreTrainedTokenizerFast:
    return train_tokenizer(synthetic_texts, 600)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared corpus: 90 rows in windows of 20, and 12 held-out rows; en-de and en-zh."""
    folder = tmp_path_factory.mktemp("corpora") / "tiny"
    write_tiny_corpus(folder, rows=90, dev_rows=12, window_rows=20)
    return folder


@pytest.fixture(scope="session")
def recipe(
    corpus: Path, tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory
) -> Recipe:
    folder = tmp_path_factory.mktemp("tokenizers") / "tiny"
    save_tokenizer(tokenizer, folder)
    return Recipe(
        corpus=str(corpus),
        tokenizer=str(folder),
        limits=TokenizerConfig(),
        masking=MaskingConfig(),
        pairs=6,
        slots=4,
        seed=13,
    )


@pytest.fixture(scope="session")
def batch(recipe: Recipe) -> Batch:
    """Six pairs."""
    return build(recipe, Slot(0, 0, 0))
