"""The model card of an exported model."""

import json

from clism_ray.config import PretrainConfig
from clism_ray.corpus.manifest import Manifest

_PAPER = "(Chen et al., NAACL 2022)"
_ANSWERS = "The answers it learned from were projected through automatic word alignments."
_NO_ANSWERS = "It saw the same pairs in the same order, and learned no answer."
_HEAD = """`span_head.safetensors` holds `start.weight` and `end.weight`, W_s and W_e of the paper's
eq. 1: the state x of a `[QUE]` points at the token k whose state maximises x_k . W x."""
_NO_HEAD = "There is no span head here: nothing would have trained it."


def model_card(config: PretrainConfig, manifest: Manifest, identity_hash: str) -> str:
    """What was trained, on what, under which licences, and how to load it."""
    # Codes of two or three small letters are languages; what follows one is its script or region.
    names = {
        part
        for pair in manifest.language_pairs
        for part in pair.split("-")
        if part.islower() and len(part) < 4
    }
    pairs = sum(sum(shard.rows_per_group) for shard in manifest.train)
    licences = "\n".join(f"| {name} | {licence} |" for name, licence in manifest.licences.items())
    losses = config.losses
    start = config.model.start or "random weights"
    trained = [("CLISM", config.trains_head), ("CACR", losses.cacr.weight > 0)]
    methods = " + ".join(name for name, does in trained if does)
    method = f"{methods or 'MLM alone, the control of CLISM + CACR'} {_PAPER}"
    origin, head = (_ANSWERS, _HEAD) if config.trains_head else (_NO_ANSWERS, _NO_HEAD)
    return f"""---
language: {json.dumps(sorted(names))}
library_name: transformers
tags: [cross-lingual, clism, cacr]
---
# {config.name}

A cross-lingual encoder pre-trained with {method} by clism_ray, from
{start}, on {pairs:,} sentence pairs: {", ".join(manifest.language_pairs)}.

- losses: CLISM {losses.clism.weight:g}, CACR {losses.cacr.weight:g} at temperature
  {losses.cacr.temperature:g}, MLM {losses.mlm.weight:g}
- global batch: {config.batch.slots} x {config.batch.pairs} pairs; learning rate
  {config.optimizer.learning_rate:g}; seed {config.seed}; {config.precision}
- configuration: {identity_hash}; corpus: {manifest.content_hash[:16]}

{origin}

## Use

    from transformers import AutoModel, AutoTokenizer
    encoder = AutoModel.from_pretrained("this folder")
    tokenizer = AutoTokenizer.from_pretrained("this folder")

{head}

## Corpora

| corpus | licence |
|---|---|
{licences}
"""
