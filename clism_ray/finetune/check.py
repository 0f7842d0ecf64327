"""What cells would meet, found before any of them starts."""

import itertools
from collections.abc import Mapping, Sequence

from clism_ray.config import ModelConfig
from clism_ray.config_tasks import FinetuneConfig, GoldConfig, GoldFile, NerConfig, QaConfig
from clism_ray.errors import InputError
from clism_ray.finetune import ner, qa
from clism_ray.finetune.plan import Cell
from clism_ray.masking.examples import vocabulary
from clism_ray.masking.tokenizer import load_tokenizer
from clism_ray.model.encoder import check_start
from clism_ray.model.export import check_pretrained_head
from clism_ray.tasks.ner_windows import make_windows


def check_cells(cells: Sequence[Cell]) -> None:
    """Open each model, training sample and test file once; InputError if one cannot be used."""
    for cell in {(cell.config.model, cell.config.form): cell for cell in cells}.values():
        _check_model(cell.config)
    task = cells[0].config.task
    check_data(task, [(cell.config.size, cell.config.sample) for cell in cells])


def check_data(task: QaConfig | NerConfig, samples: Sequence[tuple[int | None, int]]) -> None:
    """Read the training samples, by size and sample, and all test files."""
    trained = {}
    for size, sample in dict.fromkeys(samples):
        if isinstance(task, QaConfig):
            qa.read_train(task, size, sample)
        else:
            _, tags, _ = ner.read_train(task, size, sample)
            trained[tags.types] = tags
    if isinstance(task, NerConfig):
        for tags in trained.values():
            ner.check_types(task, tags)
    for test, gold in task.tests.items():
        _check_parallel(test, gold, {file: _ids(task, file) for file in gold.files(test)})


def _ids(task: QaConfig | NerConfig, file: GoldFile) -> set[str]:
    return set(qa.ids_of(file) if isinstance(task, QaConfig) else ner.ids_of(task, file))


def _check_parallel(test: str, gold: GoldConfig, ids: Mapping[GoldFile, set[str]]) -> None:
    """InputError unless it is known which items of a test set say the same in other languages."""
    averaged = [file for file in ids if file.averaged]
    if gold.parallel is None:
        _check_apart(test, ids)
    if not gold.parallel or len(averaged) < 2:
        return
    for file in averaged:
        if not any(ids[file] & ids[other] for other in averaged if other != file):
            raise InputError(
                f"{file.path}: shares no id with the other files of {test}; `parallel` says that "
                "items of one id are the same in all languages: leave it out, or move "
                f"{file.language} to `shown`"
            )


def _check_apart(test: str, ids: Mapping[GoldFile, set[str]]) -> None:
    """InputError if files share ids, and nobody said what that means.

    Intervals of averages are much too narrow if translations pass for different items.
    """
    for one, other in itertools.combinations(ids, 2):
        if shared := ids[one] & ids[other]:
            raise InputError(
                f"{one.path} and {other.path.name}: {len(shared):,} ids are in both, as "
                f"{min(shared)!r}; give `parallel: true` for {test} if such items say the same in "
                "other languages, as in XQuAD, MLQA and PUD, or else `parallel: false`"
            )


def _check_model(config: FinetuneConfig) -> None:
    model, task = config.model, config.task
    words = vocabulary(load_tokenizer(model.path, model.revision))
    start = ModelConfig(start=model.path, revision=model.revision)
    check_start(start, task.max_tokens, "max_tokens of a window")
    question = config.form == "question"
    if isinstance(task, NerConfig):
        sizes = {"max_tokens": task.max_tokens, "overlap": task.overlap}
        make_windows([], words, None, question=question, **sizes)  # refuses windows without room
        return
    qa.limits_of(task, config.form)
    if question:
        check_pretrained_head(start)
