"""Finding entities as a task to fine-tune for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clism_ray.config import ModelConfig
from clism_ray.config_tasks import FinetuneConfig, GoldFile, NerConfig
from clism_ray.corpus.manifest import file_sha256
from clism_ray.errors import InputError
from clism_ray.finetune.cell import IDS, PARTS, Examples
from clism_ray.finetune.few_shot import check_published, draw, ids_hash, is_published, train_file
from clism_ray.finetune.share import token_share
from clism_ray.finetune.task import Judged
from clism_ray.masking.examples import Vocabulary, vocabulary
from clism_ray.masking.tokenizer import load_tokenizer
from clism_ray.model.export import pretrained_head
from clism_ray.records import IGNORED
from clism_ray.tasks.ner_decoding import WordScores, decode, gather
from clism_ray.tasks.ner_export import SentenceLimits, export_tagger
from clism_ray.tasks.ner_scores import entity_counts, entity_scores
from clism_ray.tasks.ner_sentences import Reading, Sentence, read_sentences
from clism_ray.tasks.ner_tagger import Tagger, build_tagger, lay_out, tag_loss
from clism_ray.tasks.ner_tags import TagSet
from clism_ray.tasks.ner_windows import Window, make_windows


@dataclass(frozen=True, kw_only=True)
class NerTask:
    """Training windows and the model that tags their words."""

    config: NerConfig
    words: Vocabulary
    question: bool
    start: ModelConfig
    tags: TagSet
    model: Tagger
    train: Examples
    windows: list[Window]

    @property
    def head(self) -> str:
        """A classifier is always drawn; [QUE] is where nothing was pre-trained with it."""
        known = not self.question or pretrained_head(self.start)
        return "drawn" if known else "drawn, and [QUE] with it"

    @property
    def rows(self) -> int:
        """Windows, of which a long sentence has several."""
        return len(self.windows)

    def targets(self, rows: Sequence[int]) -> int:
        """Words with a tag."""
        return sum(label != IGNORED for row in rows for label in self.windows[row].labels)

    def loss(self, engine: Any, rows: Sequence[int], device: torch.device) -> Tensor:
        """-log P(tag of the word), summed."""
        batch = lay_out([self.windows[row] for row in rows]).to(device)
        return tag_loss(engine(batch), batch.label_W)[0]

    def predict(
        self, file: GoldFile, rank: int, workers: int, micro_batch: int
    ) -> tuple[list[list[str]], dict[str, int]]:
        """The tags of every `workers`-th sentence, and what was repaired on the way."""
        mine = self._read(file.path).sentences[rank::workers]
        windows, counts = make_windows(
            mine,
            self.words,
            None,
            max_tokens=self.config.max_tokens,
            overlap=self.config.overlap,
            question=self.question,
        )
        scores = gather(self._scores(windows, micro_batch), mine, len(self.tags))
        tagged = [decode(s, self.tags, constrained=self.config.constrained) for s in scores]
        repairs = {"tags_repaired": sum(one.repairs for one in tagged)}
        return [one.tags for one in tagged], {**counts, **repairs}

    def judge(self, file: GoldFile, parts: Sequence[Any]) -> Judged:
        """Precision, recall and F1 of entities, by type and in all."""
        reading = self._read(file.path)
        sentences = reading.sentences
        said: list[list[str]] = [[] for _ in sentences]
        for rank, (tagged, _) in enumerate(parts):
            said[rank :: len(parts)] = tagged
        gold = [sentence.tags for sentence in sentences]
        counts_SK3 = entity_counts(gold, said, self.tags.types)
        scores = entity_scores(counts_SK3, self.tags.types)
        repairs: dict[str, int] = dict(reading.counts)
        for _, counted in parts:
            for name, number in counted.items():
                repairs[name] = repairs.get(name, 0) + number
        return Judged(
            items={
                IDS: np.array([one.id for one in sentences]),
                PARTS: np.array(
                    [n if one.document is None else one.document for n, one in enumerate(sentences)]
                ),
                "counts": counts_SK3,
            },
            metrics={
                **{name: getattr(scores["micro"], name) for name in ("f1", "precision", "recall")},
                **{f"f1/{kind}": scores[kind].f1 for kind in self.tags.types},
            },
            counts=repairs,
            tokenizer=token_share(
                (" ".join(sentence.words) for sentence in sentences), self.words.tokenizer
            ),
            predictions={
                f"{place}:{sentence.id}": " ".join(tags)
                for place, (sentence, tags) in enumerate(zip(sentences, said, strict=True))
            },
        )

    def export(self, folder: Path, weights: Mapping[str, Tensor], card: str) -> None:
        """A folder that transformers' token classification loads."""
        export_tagger(
            folder,
            self.model,
            weights,
            self.words.tokenizer,
            self.tags,
            SentenceLimits(
                self.config.max_tokens, self.config.overlap, self.question, self.config.constrained
            ),
            card,
        )

    def _scores(self, windows: Sequence[Window], micro_batch: int) -> Iterator[WordScores]:
        self.model.eval()
        device = next(self.model.parameters()).device
        with torch.no_grad():
            for first in range(0, len(windows), micro_batch):
                batch = lay_out(windows[first : first + micro_batch])
                scores_WC = self.model(batch.to(device)).cpu().numpy()
                yield WordScores(batch.sentence_W.numpy(), batch.word_W.numpy(), scores_WC)

    def _read(self, path: Path) -> Reading:
        return _sentences(path, self.config)


def load_ner(config: FinetuneConfig) -> NerTask:
    """Read the training examples of a cell and build its model; InputError if it cannot be."""
    ner = config.ner
    assert ner is not None
    words = vocabulary(load_tokenizer(config.model.path, config.model.revision))
    sentences, tags, train = read_train(ner, config.size, config.sample)
    windows, counts = make_windows(
        sentences,
        words,
        tags,
        max_tokens=ner.max_tokens,
        overlap=ner.overlap,
        question=config.form == "question",
    )
    start = ModelConfig(start=config.model.path, revision=config.model.revision)
    model = build_tagger(
        start,
        words,
        tags,
        max_tokens=ner.max_tokens,
        precision=config.precision,
        seed=config.seed,
        dropout=ner.dropout,
    )
    made = {"windows": len(windows), **counts}
    return NerTask(
        config=ner,
        words=words,
        question=config.form == "question",
        start=start,
        tags=tags,
        model=model,
        train=Examples(**{**asdict(train), "counts": train.counts | made}),
        windows=windows,
    )


def read_train(
    ner: NerConfig, size: int | None, sample: int
) -> tuple[Sequence[Sentence], TagSet, Examples]:
    """The sentences of a sample, the tags of the whole file, and where they are from."""
    path = train_file(ner.train, size, sample)
    reading = _sentences(path, ner)
    everything = reading.sentences
    ids = [f"{place}:{sentence.id}" for place, sentence in enumerate(everything)]
    if is_published(ner.train):
        check_published(ids, size, path)
        places = list(range(len(ids)))
    else:
        places = draw(ids, size, sample, path)
    sentences = [everything[place] for place in places]
    where = "" if len(places) == len(everything) else "_in_the_whole_file"  # repairs of a sample
    # Of the whole file: a small sample may lack a type that tests ask for.
    there = TagSet.of(one.tags for one in everything)
    tags = TagSet(ner.types) if ner.types else there
    _check_known(path, there, tags)
    return (
        sentences,
        tags,
        Examples(
            file=path.name,
            sha256=file_sha256(path),
            examples=len(sentences),
            ids=ids_hash([ids[place] for place in places]),
            counts={f"{name}{where}": number for name, number in reading.counts.items()},
        ),
    )


def check_types(ner: NerConfig, tags: TagSet) -> None:
    """InputError if a test file cannot be read, or asks for a type that is not trained."""
    for test, gold in ner.tests.items():
        for file in gold.files(test):
            sentences = _sentences(file.path, ner).sentences
            _check_known(file.path, TagSet.of(one.tags for one in sentences), tags)


def ids_of(ner: NerConfig, file: GoldFile) -> list[str]:
    """The ids of a test file's sentences; InputError if it cannot be read."""
    return [sentence.id for sentence in _sentences(file.path, ner).sentences]


def _check_known(path: Path, there: TagSet, tags: TagSet) -> None:
    """InputError if a file has a type of entity that is not trained."""
    unknown = sorted(set(there.types) - set(tags.types))
    if unknown:
        raise InputError(
            f"{path}: entity type {unknown[0]!r} is none of those to be trained "
            f"({', '.join(tags.types)}); map it to one of these, or to O, in the file, or "
            "name all types with ner.types"
        )


@lru_cache(maxsize=2)
def _cached(path: Path, format: Any, scheme: Any) -> Reading:
    return read_sentences(path, format, scheme)


def _sentences(path: Path, ner: NerConfig) -> Reading:
    return _cached(path, ner.format, ner.scheme)
