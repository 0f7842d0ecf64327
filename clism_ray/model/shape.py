"""The size of a model, as numbers: all that arithmetic about it needs. No weights, no torch."""

from dataclasses import dataclass

XLM_R_TOKENS = 250_002  # of XLM-R's tokenizer, without `[QUE]`


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a pre-training model comes to. D hidden size, I intermediate size, V vocabulary."""

    parameters: int  # encoder, MLM head and span head; tied ones once
    matrices: int  # weights of the encoder's layers that meet every token in a product
    largest: int  # elements of the largest parameter: mostly the embeddings
    tensors: int  # parameters as tensors
    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int  # rows of the embeddings, that of `[QUE]` included
    dropout: float
    packed: bool  # runs without padding


@dataclass(frozen=True, kw_only=True)
class Published:
    """Sizes of a published encoder, for planning where its files are not."""

    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int


# Conneau et al. 2020, table 4 of arXiv:1911.02116, and the config.json of each; by hub name.
PUBLISHED = {
    "FacebookAI/xlm-roberta-base": Published(
        layers=12,
        hidden=768,
        heads=12,
        intermediate=3072,
        vocabulary=XLM_R_TOKENS,
        positions=514,
    ),
    "FacebookAI/xlm-roberta-large": Published(
        layers=24,
        hidden=1024,
        heads=16,
        intermediate=4096,
        vocabulary=XLM_R_TOKENS,
        positions=514,
    ),
}
