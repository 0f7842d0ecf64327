"""A model folder as a function that finds entities, called as transformers' pipelines are."""

from collections.abc import Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import torch

from clism_ray.corpus.words import Offsets, words
from clism_ray.model.device import device_of
from clism_ray.tasks.ner_decoding import Floats, WordScores, decode, gather
from clism_ray.tasks.ner_export import load_tagger
from clism_ray.tasks.ner_sentences import Sentence
from clism_ray.tasks.ner_tagger import lay_out
from clism_ray.tasks.ner_tags import entities
from clism_ray.tasks.ner_windows import make_windows


class Entity(TypedDict):
    """An entity of a sentence. Places in characters are there if a text was given, not words."""

    entity_group: str  # its type
    word: str  # its text; of words that were given, with spaces between them
    score: float  # mean over its words of the probability of the word's tag
    first_word: int  # from 0
    last_word: int  # included
    start: NotRequired[int]
    end: NotRequired[int]


class EntityTagger:
    """Finds entities: `EntityTagger(folder)("Ada lives in London.")`.

    The folder is one that fine-tuning for entities exported. The device is a GPU if there is one
    and no other is named.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        device: str | None = None,
        precision: str = "fp32",
        micro_batch: int = 32,
    ) -> None:
        self.tagger, self.words, self.tags, self.limits = load_tagger(Path(folder), precision)
        self.device = device_of(device)
        self.tagger.to(self.device)
        self.micro_batch = micro_batch

    def __call__(self, sentence: str | Sequence[str]) -> list[Entity]:
        """The entities of a sentence, in order, given as a text or as a list of its words.

        A text's words are found by one rule for all scripts (`corpus.words`), which need not be
        the rule of the sentences the model learned from.
        """
        return self.each([sentence])[0]

    def each(self, sentences: Sequence[str | Sequence[str]]) -> list[list[Entity]]:
        """The entities of many sentences, batched. Any list in `sentences` is a list of words."""
        places = [words(given) if isinstance(given, str) else None for given in sentences]
        split = [
            tuple(given) if at is None else tuple(str(given)[start:end] for start, end in at)
            for given, at in zip(sentences, places, strict=True)
        ]
        return [
            self._entities(given, texts, at, scores)
            for given, texts, at, scores in zip(
                sentences, split, places, self._scores(split), strict=True
            )
        ]

    @torch.no_grad()
    def _scores(self, split: Sequence[tuple[str, ...]]) -> list[Floats]:
        sentences = [Sentence(str(n), texts, ()) for n, texts in enumerate(split)]
        windows, _ = make_windows(
            sentences,
            self.words,
            None,
            max_tokens=self.limits.max_tokens,
            overlap=self.limits.overlap,
            question=self.limits.with_question_token,
        )
        parts = []
        for first in range(0, len(windows), self.micro_batch):
            batch = lay_out(windows[first : first + self.micro_batch])
            scores_WC = self.tagger(batch.to(self.device)).log_softmax(1)
            parts.append(
                WordScores(batch.sentence_W.numpy(), batch.word_W.numpy(), scores_WC.cpu().numpy())
            )
        return gather(parts, sentences, len(self.tags))

    def _entities(
        self,
        given: str | Sequence[str],
        texts: tuple[str, ...],
        places: list[Offsets] | None,
        scores_nC: Floats,
    ) -> list[Entity]:
        tags = decode(scores_nC, self.tags, constrained=self.limits.constrained).tags
        numbers = self.tags.ids(tags)
        found = []
        for first, last, kind in entities(tags):
            each = np.arange(first, last + 1)
            entity = Entity(
                entity_group=kind,
                word=" ".join(texts[first : last + 1]),
                score=float(np.exp(scores_nC[each, numbers[first : last + 1]]).mean()),
                first_word=first,
                last_word=last,
            )
            if places is not None:
                entity["start"], entity["end"] = places[first][0], places[last][1]
                entity["word"] = str(given)[entity["start"] : entity["end"]]
            found.append(entity)
        return found
