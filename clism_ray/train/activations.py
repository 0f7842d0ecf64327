"""What the forward of a micro-batch keeps for its backward: bytes, tensor by tensor.

The way of counting is that of Korthikanti et al. (2022, arXiv:2205.05198, section 4), who find
34 D + 5 H L bytes a token and layer for 16-bit activations. The tensors here are those of this
code: products in fp32, or in bf16 under autocast, where sums, layer norms and losses stay in fp32,
and attention that keeps no scores (Dao et al. 2022), except on a CPU with dropout.

Shapes as in `records.Batch`: B pairs, T tokens, Q questions, M masked tokens; D hidden size,
I intermediate size, H heads, V vocabulary, L tokens of a sequence.
"""

from dataclasses import dataclass

from clism_ray.config import MaskingConfig, TokenizerConfig
from clism_ray.model.shape import Shape

FP32, BF16 = 4, 2  # bytes
_ROUND = 128  # tokens, as in model/encoder.py
_INDICES = 48  # of a token: ids, positions, places in attention and pooling, statistics


@dataclass(frozen=True, kw_only=True)
class Load:
    """A micro-batch as numbers; means over many of them may be fractions."""

    pairs: float  # B
    tokens: float  # T, of the joint and the plain sequences
    squares: float  # sum of L squared over the sequences
    questions: float  # Q
    masked: float  # M

    def times(self, pairs: float) -> "Load":
        """The load of so many pairs like these."""
        share = pairs / self.pairs
        return Load(
            pairs=pairs,
            tokens=self.tokens * share,
            squares=self.squares * share,
            questions=self.questions * share,
            masked=self.masked * share,
        )


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Bytes alive when the backward begins, by what they are."""

    layers: float  # of all of the encoder's layers; recomputed: their inputs and one layer's
    rest: float  # embeddings, span head, pooling, losses but the MLM's
    weights: float  # bf16 copies, whole under every ZeRO stage
    logits: float  # M x V, in fp32


def pair_of(sentence: float, masking: MaskingConfig, questions: float) -> Load:
    """The load of one pair of sentences of so many tokens each."""
    joint, plain = 2 * sentence + 3, sentence + 2
    asked = questions if masking.questions else 0.0
    return Load(
        pairs=1,
        tokens=joint + plain,
        squares=joint**2 + plain**2,
        questions=asked,
        masked=masking.mlm_probability * (2 * sentence - 2 * asked),
    )


def longest(pairs: int, limits: TokenizerConfig, masking: MaskingConfig) -> Load:
    """No micro-batch of so many pairs can be more: every sentence as long as it may be."""
    joint, plain = limits.max_source_tokens + limits.max_target_tokens, limits.max_source_tokens
    return Load(
        pairs=pairs,
        tokens=pairs * (joint + plain),
        squares=pairs * (joint**2 + plain**2),
        questions=pairs * masking.max_spans * masking.questions,
        masked=pairs * masking.mlm_probability * joint,
    )


def kept(shape: Shape, load: Load, precision: str, device: str, recompute: bool) -> Kept:
    """Bytes that a forward keeps.

    Args:
        shape: of the model.
        load: of the micro-batch.
        precision: of products, fp32 or bf16.
        device: cpu or cuda. A CPU keeps dropout's masks as numbers, a GPU as bytes.
        recompute: activations are recomputed in the backward, layer by layer.
    """
    size = BF16 if precision == "bf16" else FP32
    tokens = -(-load.tokens // _ROUND) * _ROUND if shape.packed else load.tokens
    layer = tokens * _layer(shape, size, device) + _scores(shape, load, device)
    layers = shape.layers * layer
    if recompute:
        layers = shape.layers * tokens * FP32 * shape.hidden + layer
    copies = shape.matrices + shape.hidden * (shape.vocabulary + shape.hidden)
    return Kept(
        layers=layers,
        rest=tokens * _embeddings(shape, device) + _losses(shape, load, size),
        weights=copies * BF16 if size == BF16 else 0.0,
        logits=load.masked * shape.vocabulary * FP32,
    )


def _layer(shape: Shape, size: int, device: str) -> float:
    """Of a token and layer, but for attention scores."""
    d, i = shape.hidden, shape.intermediate
    # Inputs of two layer norms; then what products take: by attention and the intermediate layer.
    # In bf16 each of the three projections of attention casts its input for itself.
    inputs = 2 * FP32 * d + (5 * size * d if size == BF16 else 3 * size * d)
    gelu = 2 * size * i
    attention = 3 * FP32 * d if _keeps_scores(shape, device) else 4 * size * d + FP32 * shape.heads
    statistics = 4 * FP32
    masks = 2 * d * (size if device == "cpu" else 1) if shape.dropout else 0
    return inputs + gelu + attention + statistics + masks


def _scores(shape: Shape, load: Load, device: str) -> float:
    """Of a layer: softmax, mask and product of the two, where no fused kernel does without."""
    return 3 * FP32 * shape.heads * load.squares if _keeps_scores(shape, device) else 0.0


def _keeps_scores(shape: Shape, device: str) -> bool:
    return device == "cpu" and shape.dropout > 0


def _embeddings(shape: Shape, device: str) -> float:
    """Of a token, outside the layers: before the first, after the last, and what is pooled."""
    mask = (FP32 if device == "cpu" else 1) * shape.hidden if shape.dropout else 0
    return 3 * FP32 * shape.hidden + mask + _INDICES


def _losses(shape: Shape, load: Load, size: int) -> float:
    """The MLM head but for its logits; the span head's scores over all tokens; pooled vectors."""
    head = 4 * size * load.masked * shape.hidden
    pointers = load.questions * (load.tokens * (2 * FP32 + 1) + 3 * FP32 * shape.hidden)
    return head + pointers + 13 * FP32 * load.pairs * shape.hidden
