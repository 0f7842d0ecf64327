"""Worked examples: held-out pairs, and what an exported model answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

import torch

from clism_ray.masking.collate import make_batch
from clism_ray.masking.microbatch import Recipe, examples_of, open_recipe
from clism_ray.masking.tokenizer import QUESTION
from clism_ray.model.export import load_exported
from clism_ray.model.pretrainer import PretrainModel
from clism_ray.records import IGNORED, AlignedPair
from clism_ray.train.step import to_tensors

_EPOCH = 0  # the masks of validation


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """The first question of a pair, the right answer and the model's."""

    language: str
    masked_source: str
    target: str
    predicted: str
    answer: str


@torch.no_grad()
def work_examples(
    folder: Path, recipe: Recipe, pairs: Sequence[AlignedPair], count: int
) -> list[WorkedExample]:
    """What the model in `folder` answers for some pairs, of as many languages as there are."""
    pointer = load_exported(folder)
    model = PretrainModel(pointer.masked_lm, 1.0, 1, "fp32")
    model.span_head = pointer.span_head
    model.eval()
    chosen = _of_many_languages(pairs)
    worked = (_work(model, recipe, pair) for pair in chosen)
    return list(islice(filter(None, worked), count))


def _work(model: PretrainModel, recipe: Recipe, pair: AlignedPair) -> WorkedExample | None:
    tokenizer = open_recipe(recipe).words.tokenizer
    language = f"{pair.source_language}-{pair.target_language}"
    batch = make_batch([pair.row_id], examples_of(recipe, [pair], _EPOCH), [language])
    if batch.start_Q[0] == IGNORED:  # no example, or no question
        return None
    scores = model.point(to_tensors(batch, torch.device("cpu")), batch.offsets_N1.tolist())
    ids = batch.ids_T.copy()
    real = batch.label_M >= 0
    ids[batch.masked_M[real]] = batch.label_M[real]  # the text as it was before MLM

    def text(first: int, last: int) -> str:
        return cast(str, tokenizer.decode(ids[first : last + 1])).strip()

    return WorkedExample(
        language=language,
        masked_source=_spaced(cast(str, tokenizer.decode(ids[batch.pool_T == 0]))),
        target=pair.target,
        predicted=text(int(scores.start_QT[0].argmax()), int(scores.end_QT[0].argmax())),
        answer=text(int(batch.start_Q[0]), int(batch.end_Q[0])),
    )


def _spaced(text: str) -> str:
    """`[QUE]` takes the place of a word and its space: put spaces around it."""
    return " ".join(text.replace(QUESTION, f" {QUESTION} ").split())


def _of_many_languages(pairs: Sequence[AlignedPair]) -> list[AlignedPair]:
    """The pairs with the first of each language in front."""
    first = {pair.target_language: pair for pair in reversed(pairs)}
    return [*first.values(), *(pair for pair in pairs if pair not in first.values())]
