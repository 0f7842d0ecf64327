"""Recipes of micro-batches, for streams and models without a run."""

from pathlib import Path

from clism_ray.config import MaskingConfig, TokenizerConfig
from clism_ray.masking.microbatch import Recipe
from clism_ray.masking.tokenizer import save_tokenizer, train_tokenizer
from tests.corpora import tiny_pair


def tiny_recipe(folder: Path, rows: int, vocabulary: int, *, pairs: int, slots: int) -> Recipe:
    """That of the tiny corpus `<folder>/corpus`, with a tokenizer trained on so many rows."""
    texts = [text for row in range(rows) for text in (tiny_pair(row).source, tiny_pair(row).target)]
    save_tokenizer(train_tokenizer(texts, vocabulary), folder / "tokenizer")
    return Recipe(
        corpus=str(folder / "corpus"),
        tokenizer=str(folder / "tokenizer"),
        limits=TokenizerConfig(),
        masking=MaskingConfig(),
        pairs=pairs,
        slots=slots,
        seed=13,
    )
