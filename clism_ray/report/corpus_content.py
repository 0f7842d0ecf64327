"""What the page of a prepared corpus is made from: its card, and a sample of its rows."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from clism_ray.corpus.card import read_card
from clism_ray.corpus.choice import Pointed, one_of, shuffled
from clism_ray.corpus.manifest import Manifest, Window
from clism_ray.corpus.measures import Measures, measure_windows, sample
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
    places = sample(manifest)
    return Content(
        card=read_card(folder),
        manifest=manifest,
        measures=measure_windows(folder, places),
        examples=random_examples(folder, manifest, places, EXAMPLES),
        samples=_samples(folder),
    )


def random_examples(
    folder: Path, manifest: Manifest, places: Sequence[Window], number: int
) -> list[Pointed]:
    """Random examples, as many of one language pair as of another, as far as these windows go."""
    seed = int(manifest.content_hash[:8], 16)
    names = list(manifest.language_pairs)
    order = generator(Use.SHOWN, seed).permutation(len(names)).tolist()
    wanted = Counter(names[order[n % len(names)]] for n in range(number))
    found: list[Pointed] = []
    for pair, random in shuffled(folder, places, seed):
        name = f"{pair.source_language}-{pair.target_language}"
        if wanted[name]:
            wanted[name] -= 1
            found.append(Pointed(pair, one_of(pair.spans, random)))
        if len(found) == number:
            break
    return sorted(found, key=lambda example: example.described()[0])


def _samples(folder: Path) -> list[dict[str, Any]]:
    path = folder / DROPPED
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
