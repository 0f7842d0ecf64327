"""Questions about passages as a task to fine-tune for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clism_ray.config import ModelConfig
from clism_ray.config_tasks import FinetuneConfig, GoldFile, QaConfig
from clism_ray.corpus.manifest import file_sha256
from clism_ray.finetune.cell import IDS, PARTS, Examples
from clism_ray.finetune.few_shot import check_published, draw, ids_hash, is_published, train_file
from clism_ray.finetune.share import token_share
from clism_ray.finetune.task import Judged
from clism_ray.masking.examples import Vocabulary, vocabulary
from clism_ray.masking.tokenizer import load_tokenizer
from clism_ray.model.export import pretrained_head
from clism_ray.tasks.qa_answers import answer_questions, predictions
from clism_ray.tasks.qa_batch import pack, to_tensors
from clism_ray.tasks.qa_export import export_answer_model
from clism_ray.tasks.qa_metrics import mean_scores, score_answers
from clism_ray.tasks.qa_model import AnswerModel, build_answer_model
from clism_ray.tasks.qa_questions import Question, Repairs, read_questions
from clism_ray.tasks.qa_windows import Window, WindowLimits, windows_to_answer, windows_to_train


@dataclass(frozen=True, kw_only=True)
class QaTask:
    """Training windows and the model that answers."""

    config: QaConfig
    words: Vocabulary
    limits: WindowLimits
    start: ModelConfig
    model: AnswerModel
    train: Examples
    windows: list[Window]

    @property
    def head(self) -> str:
        """Whether the span head was pre-trained; a plain one never was."""
        if not self.limits.with_question_token:
            return "drawn"
        return "pre-trained" if pretrained_head(self.start) else "drawn, and [QUE] with it"

    @property
    def rows(self) -> int:
        """Windows that hold an answer."""
        return len(self.windows)

    def targets(self, rows: Sequence[int]) -> int:
        """Each window asks for one answer."""
        return len(rows)

    def loss(self, engine: Any, rows: Sequence[int], device: torch.device) -> Tensor:
        """-log P(start) - log P(end), summed."""
        batch = pack([self.windows[row] for row in rows])
        total, _ = engine(to_tensors(batch, device), batch.offsets_N1.tolist())
        return total  # type: ignore[no-any-return]

    def predict(
        self, file: GoldFile, rank: int, workers: int, micro_batch: int
    ) -> tuple[dict[str, str], dict[str, int]]:
        """Answers to every `workers`-th question by id, and what making their windows did."""
        mine = _questions(file.path)[0][rank::workers]
        windows, counts = windows_to_answer(mine, self.words, self.limits)
        found = answer_questions(
            self.model,
            mine,
            windows,
            micro_batch=micro_batch,
            n_best=self.config.n_best,
            max_answer_tokens=self.limits.max_answer_tokens,
        )
        return predictions(found), {"questions_cut": counts.questions_cut, "windows": len(windows)}

    def judge(self, file: GoldFile, parts: Sequence[Any]) -> Judged:
        """Exact match and F1, by SQuAD's rules and by MLQA's."""
        questions, repairs = _questions(file.path)
        said = {name: text for part, _ in parts for name, text in part.items()}
        said = {question.id: said[question.id] for question in questions}
        scores = score_answers(questions, said, file.language)
        means = mean_scores(scores)
        passages: dict[str, int] = {}
        parts_I = [passages.setdefault(one.context, len(passages)) for one in questions]
        return Judged(
            items={
                IDS: np.array([question.id for question in questions]),
                PARTS: np.array(parts_I),
                **{name: np.array([getattr(score, name) for score in scores]) for name in means},
            },
            metrics=means,
            counts={
                **repairs_counts(questions, repairs),
                **{name: sum(counts[name] for _, counts in parts) for name in parts[0][1]},
            },
            tokenizer=token_share(
                dict.fromkeys(question.context for question in questions), self.words.tokenizer
            ),
            predictions=said,
        )

    def export(self, folder: Path, weights: Mapping[str, Tensor], card: str) -> None:
        """A folder for `jobs/answer.py`, transformers or the span head's own file."""
        export_answer_model(folder, self.model, weights, self.words.tokenizer, self.limits, card)


def load_qa(config: FinetuneConfig) -> QaTask:
    """Read the training examples of a cell and build its model; InputError if it cannot be."""
    qa = config.qa
    assert qa is not None
    words = vocabulary(load_tokenizer(config.model.path, config.model.revision))
    limits = limits_of(qa, config.form)
    questions, train = read_train(qa, config.size, config.sample)
    windows, counts = windows_to_train(questions, words, limits)
    start = ModelConfig(start=config.model.path, revision=config.model.revision)
    model = build_answer_model(start, words, limits, precision=config.precision, seed=config.seed)
    made = {"windows": len(windows), **asdict(counts)}
    train = Examples(**{**asdict(train), "counts": train.counts | made})
    return QaTask(
        config=qa,
        words=words,
        limits=limits,
        start=start,
        model=model,
        train=train,
        windows=windows,
    )


def limits_of(qa: QaConfig, form: str) -> WindowLimits:
    """The windows of a configuration; InputError if they leave tokens out."""
    return WindowLimits(
        max_tokens=qa.max_tokens,
        stride=qa.stride,
        max_question_tokens=qa.max_question_tokens,
        with_question_token=form == "question",
        max_answer_tokens=qa.max_answer_tokens,
    )


def read_train(qa: QaConfig, size: int | None, sample: int) -> tuple[list[Question], Examples]:
    """The questions of a sample, and where they are from."""
    path = train_file(qa.train, size, sample)
    questions, repairs = _questions(path)
    ids = [question.id for question in questions]
    if is_published(qa.train):
        check_published(ids, size, path)
    else:
        questions = [questions[place] for place in draw(ids, size, sample, path)]
    ids = [question.id for question in questions]
    counts = repairs_counts(questions, repairs)
    return questions, Examples(
        file=path.name,
        sha256=file_sha256(path),
        examples=len(ids),
        ids=ids_hash(ids),
        counts=counts,
    )


def ids_of(file: GoldFile) -> list[str]:
    """The ids of a test file's questions; InputError if it cannot be read."""
    return [question.id for question in _questions(file.path)[0]]


def repairs_counts(questions: Sequence[Question], repairs: Repairs) -> dict[str, int]:
    """How many answers to these were moved, or have no place, and how many of them are blank."""
    ids = {question.id for question in questions}
    return {
        "answers_moved": len(ids.intersection(repairs.moved)),
        "answers_unplaced": len(ids.intersection(repairs.unplaced)),
        "questions_blank": sum(not question.question.strip() for question in questions),
    }


@lru_cache(maxsize=2)
def _questions(path: Path) -> tuple[list[Question], Repairs]:
    return read_questions(path)
