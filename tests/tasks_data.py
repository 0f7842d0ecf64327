"""A tiny encoder with a span head, questions and tagged sentences, all from synthetic pairs."""

import json
from collections.abc import Sequence
from pathlib import Path

from clism_ray.config import ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.corpus.synthetic import SyntheticPair, pairs
from clism_ray.masking.tokenizer import train_tokenizer
from clism_ray.model.export import export_model
from clism_ray.model.pretrainer import build_model

_SHAPE = ScratchConfig(layers=1, hidden=32, heads=2, intermediate=64, dropout=0.1)


def write_encoder(folder: Path) -> Path:
    """An exported model with random weights and 128 positions."""
    texts = [text for pair in _pairs(0, 200) for text in (pair.source, pair.target)]
    tokenizer = train_tokenizer(texts, 400)
    model = build_model(
        ModelConfig(scratch=_SHAPE),
        TokenizerConfig(max_source_tokens=64, max_target_tokens=64),
        tokenizer,
        temperature=0.05,
        language_pairs=1,
        precision="fp32",
        seed=1,
    )
    export_model(folder, model.masked_lm, model.state_dict(), tokenizer, "a tiny model")
    return folder


def write_questions(path: Path, first: int, count: int) -> Path:
    """SQuAD JSON: a sentence is the passage, its first span the answer, the rest the question."""
    paragraphs = []
    for number, pair in enumerate(_pairs(first, count), first):
        start, end = pair.spans[0][:2]
        asked = {
            "id": f"q{number}",
            "question": pair.source[:start] + "?" + pair.source[end:],
            "answers": [{"text": pair.source[start:end], "answer_start": start}],
        }
        paragraphs.append({"context": pair.source, "qas": [asked]})
    tree = {"version": "1.1", "data": [{"title": "synthetic", "paragraphs": paragraphs}]}
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def write_sentences(path: Path, first: int, count: int) -> Path:
    """PAN-X lines: the words of a span are an entity of its label."""
    lines = []
    for pair in _pairs(first, count):
        place = 0
        for word in pair.source.split(" "):
            lines.append(f"en:{word}\t{_tag(pair, place)}")
            place += len(word) + 1
        lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _tag(pair: SyntheticPair, place: int) -> str:
    for span in pair.spans:
        if span.source_start <= place < span.source_end:
            mark = "B" if place == span.source_start else "I"
            return f"{mark}-{span.label.upper()}"
    return "O"


def _pairs(first: int, count: int) -> Sequence[SyntheticPair]:
    return list(pairs(1, first, first + count, ("de",)))
