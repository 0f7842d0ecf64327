"""Throughput of the training core, without Ray and DeepSpeed: pairs/s, tokens/s, memory, MFU.

    python benchmarks/training_core.py                          # a small encoder on the CPU
    python benchmarks/training_core.py --device cuda --shape base --precision bf16 --pairs 64 \
        --peak-tflops 990 --tsv PAIRS.tsv                       # XLM-R base's shape on a GPU

Compares, in one run, packed sequences with padded ones; on the CPU packed comes first, as memory is
the most that the process has held so far, so what padding takes less is not seen. FLOPs are counted
as 6 per weight of the encoder's matrices and token, plus attention and the MLM head's products; MFU
is their rate over the device's peak. With --tsv the text is real (English and the other language in
the first two columns) and the spans, every capitalised word that stands in both, only serve to fill
the batch.
"""

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.config import MaskingConfig, ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.config_losses import LossConfig
from clism_ray.corpus.synthetic import pairs as synthetic_pairs
from clism_ray.masking.collate import collate
from clism_ray.masking.examples import make_examples, vocabulary
from clism_ray.masking.tokenizer import train_tokenizer
from clism_ray.model.attention import PACKED
from clism_ray.model.pretrainer import PretrainModel, build_model
from clism_ray.records import AlignedPair, Batch, Origin, SpanPair
from clism_ray.train.step import counts_of, mean_losses, to_tensors, total_loss

SHAPES = {
    "small": ScratchConfig(layers=4, hidden=256, heads=4, intermediate=1024),
    "base": ScratchConfig(layers=12, hidden=768, heads=12, intermediate=3072),
}
VOCABULARY = {"small": 8000, "base": 250_000}


def main() -> None:
    """Measure, and print a table."""
    options = arguments()
    device = torch.device(options.device)
    most = max(50_000, 2 * options.batches * options.pairs)
    texts = list(islice(real(options.tsv) if options.tsv else synthetic(), most))
    batches = make_batches(options, texts)
    model = make_model(options).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=device.type == "cuda")
    tokens = sum(len(batch.ids_T) for batch in batches) / len(batches)
    print(
        f"{options.shape}, {options.precision}, {options.device}: {options.pairs} pairs, ", end=""
    )
    print(f"{tokens:.0f} tokens a micro-batch")
    for attention in (PACKED, "sdpa"):
        model.masked_lm.set_attn_implementation(attention)
        for batch in batches[:3]:
            run(model, optimizer, batch, device)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        began = now(device)
        for batch in batches:
            run(model, optimizer, batch, device)
        seconds = (now(device) - began) / len(batches)
        flops = sum(flops_of(model, batch) for batch in batches) / len(batches)
        rate = flops / seconds / 1e12
        share = f"  MFU {rate / options.peak_tflops:.1%}" if options.peak_tflops else ""
        print(
            f"{attention:7}{options.pairs / seconds:9.1f} pairs/s{tokens / seconds:11.0f} tokens/s"
            f"{rate:8.3f} TFLOP/s{memory(device):7.1f} GiB{share}"
        )


def run(
    model: PretrainModel, optimizer: torch.optim.Optimizer, batch: Batch, device: torch.device
) -> None:
    """One optimizer step of one micro-batch."""
    sums = model(to_tensors(batch, device), batch.offsets_N1.tolist())
    total = total_loss(mean_losses(sums, counts_of([batch])), LossConfig())
    torch.autograd.backward(total)
    optimizer.step()
    optimizer.zero_grad()


def flops_of(model: PretrainModel, batch: Batch) -> float:
    """Forward and backward: 6 a weight and token; attention 12 L D a token of a sequence of L."""
    weights = sum(
        weight.numel()
        for name, weight in model.masked_lm.named_parameters()
        if ".layer." in name and weight.dim() == 2
    )
    lengths = torch.from_numpy(batch.offsets_N1).diff().double()
    config = model.masked_lm.config
    attention = 12 * config.num_hidden_layers * config.hidden_size * float((lengths**2).sum())
    head = 6 * len(batch.masked_M) * config.hidden_size * (config.vocab_size + config.hidden_size)
    return float(6 * weights * len(batch.ids_T) + attention + head)


def make_batches(options: argparse.Namespace, pairs: list[AlignedPair]) -> list[Batch]:
    """As many micro-batches as are measured, all of them full."""
    tokenizer = train_tokenizer((t for p in pairs for t in (p.source, p.target)), 8000)
    words = vocabulary(tokenizer)
    languages = sorted({f"{p.source_language}-{p.target_language}" for p in pairs})
    results = make_examples(pairs, words, TokenizerConfig(), MaskingConfig(), 1, 0)
    examples = [result for result in results if not isinstance(result, str)]
    if len(examples) < (wanted := options.batches * options.pairs):
        sys.exit(
            f"{options.batches} micro-batches of {options.pairs} take {wanted:,} pairs, and the "
            f"text has {len(examples):,}: give fewer --batches or --pairs, or more text"
        )
    starts = range(0, wanted, options.pairs)
    return [collate(examples[start : start + options.pairs], languages, {}) for start in starts]


def make_model(options: argparse.Namespace) -> PretrainModel:
    """Random weights of the shape, with a vocabulary of its size."""
    tokenizer = train_tokenizer(["a text"], 300)
    model = build_model(
        ModelConfig(scratch=SHAPES[options.shape]),
        TokenizerConfig(),
        tokenizer,
        temperature=0.05,
        language_pairs=16,
        precision=options.precision,
        seed=1,
    )
    model.masked_lm.resize_token_embeddings(VOCABULARY[options.shape], mean_resizing=False)
    return model


def synthetic() -> Iterator[AlignedPair]:
    """Pairs of the embedded corpus with their true spans."""
    for row, pair in enumerate(synthetic_pairs(1, 0, 10**9, ("de", "es", "ru", "hi", "zh"))):
        yield AlignedPair(
            row_id=row,
            origin=Origin("synthetic", "none", row + 1),
            source_language=pair.source_language,
            target_language=pair.target_language,
            source=pair.source,
            target=pair.target,
            spans=pair.spans,
        )


def real(path: Path) -> Iterator[AlignedPair]:
    """Pairs of a TSV file in which some capitalised word stands on both sides."""
    with path.open(encoding="utf-8") as file:
        for row, line in enumerate(file):
            source, target = line.rstrip("\n").split("\t")[:2]
            shared = [w for w in source.split() if w[0].isupper() and w in target.split()]
            if shared:
                span = SpanPair(*place(source, shared[0]), *place(target, shared[0]), "name", 1.0)
                origin = Origin("tsv", path.name, row + 1)
                yield AlignedPair(row, origin, "en", "xx", source, target, (span,))


def place(text: str, word: str) -> tuple[int, int]:
    """Where a word first stands."""
    return text.index(word), text.index(word) + len(word)


def now(device: torch.device) -> float:
    """The clock, when the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def memory(device: torch.device) -> float:
    """Peak GiB: the device's, or this process's on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="small")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--pairs", type=int, default=16, help="pairs of a micro-batch")
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--peak-tflops", type=float, default=0.0)
    parser.add_argument("--tsv", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
