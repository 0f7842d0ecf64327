"""What the page of a prepared corpus is made from: its card, and a sample of its rows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from clism_ray.corpus.card import read_card
from clism_ray.corpus.choice import Pointed, Wanted, choose
from clism_ray.corpus.manifest import Manifest
from clism_ray.corpus.measures import Measures, measure_corpus
from clism_ray.corpus.samples import DROPPED
from clism_ray.randomness import Use, generator

EXAMPLES = 20


class Content(NamedTuple):
    """What a page is made from."""

    card: Mapping[str, Any]
    manifest: Manifest
    measures: Mapping[str, Measures]
    examples: Sequence[Pointed]
    samples: Sequence[Mapping[str, Any]]  # of dropped lines, as in dropped.jsonl


def gather(folder: Path, manifest: Manifest) -> Content:
    """Everything at once. Reads a sample of the rows, one window at a time."""
    return Content(
        card=read_card(folder),
        manifest=manifest,
        measures=measure_corpus(folder, manifest),
        examples=random_examples(folder, manifest, EXAMPLES),
        samples=_samples(folder),
    )


def random_examples(folder: Path, manifest: Manifest, number: int) -> list[Pointed]:
    """Random examples, as many of each language pair as of any other, as far as there are any."""
    seed = int(manifest.content_hash[:8], 16)
    names = list(manifest.language_pairs)
    order = generator(Use.SHOWN, seed).permutation(len(names)).tolist()
    shown = [names[place] for place in sorted(order[:number])]
    found = []
    for place, name in enumerate(shown):
        share = number * (place + 1) // len(shown) - number * place // len(shown)
        found += choose(folder, manifest, Wanted(language=name), share, seed)
    return found


def _samples(folder: Path) -> list[dict[str, Any]]:
    path = folder / DROPPED
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
