"""The model card of an exported model."""

import json

from clism_ray.config import PretrainConfig
from clism_ray.corpus.manifest import Manifest


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
    return f"""---
language: {json.dumps(sorted(names))}
library_name: transformers
tags: [cross-lingual, clism, cacr]
---
# {config.name}

A cross-lingual encoder pre-trained with CLISM + CACR (Chen et al., NAACL 2022) by clism_ray, from
{start}, on {pairs:,} sentence pairs: {", ".join(manifest.language_pairs)}.

- losses: CLISM {losses.clism.weight:g}, CACR {losses.cacr.weight:g} at temperature
  {losses.cacr.temperature:g}, MLM {losses.mlm.weight:g}
- global batch: {config.batch.slots} x {config.batch.pairs} pairs; learning rate
  {config.optimizer.learning_rate:g}; seed {config.seed}; {config.precision}
- configuration: {identity_hash}; corpus: {manifest.content_hash[:16]}

The answers it learned from were projected through automatic word alignments.

## Use

    from transformers import AutoModel, AutoTokenizer
    encoder = AutoModel.from_pretrained("this folder")
    tokenizer = AutoTokenizer.from_pretrained("this folder")

`span_head.safetensors` holds `start.weight` and `end.weight`, W_s and W_e of the paper's eq. 1:
the state x of a `[QUE]` points at the token k whose state maximises x_k . W x.

## Corpora

| corpus | licence |
|---|---|
{licences}
"""
