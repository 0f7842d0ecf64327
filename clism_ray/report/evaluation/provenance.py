"""What an evaluation was made from: cells, training samples, test files, repairs, settings."""

from clism_ray.config_file import to_yaml
from clism_ray.finetune.place import size_label
from clism_ray.finetune.plan import test_files
from clism_ray.finetune.pretraining import LOSSES
from clism_ray.report.evaluation.results import Evaluation
from clism_ray.report.page import Cell, Html, command, folded, paragraph, section, table

_DIGITS = 16  # of a hash; enough to tell files apart

Rows = list[list[Cell]]


def provenance(evaluation: Evaluation) -> list[Html]:
    """The last sections of the page."""
    parts = [
        _folded("Before fine-tuning", *_pretraining(evaluation)),
        _folded("Training samples", *_samples(evaluation)),
        _folded("Test files", *_tests(evaluation)),
        _folded("Tokenizers", *_tokenizers(evaluation)),
        _folded("Repairs and losses while testing", *_repairs(evaluation)),
        _folded("Cells", *_cells(evaluation)),
        folded("Configuration", command(to_yaml(evaluation.config))),
    ]
    seconds = [cell.result.seconds for cell in evaluation.cells]
    told = f"{len(evaluation.cells)} of {evaluation.planned} cells are finished"
    if seconds:
        told += (
            f"; {sum(seconds) / 60:,.1f} minutes in all, "
            f"{sum(seconds) / len(seconds):,.0f} seconds each on average"
        )
    if evaluation.missing:
        told += f". Missing: {', '.join(map(str, evaluation.missing))}"
    return [section("Where it comes from", paragraph(f"{told}."), *parts)]


def _folded(title: str, head: list[str], rows: Rows) -> Html:
    return folded(title, table(head, rows) if rows else paragraph("None yet."))


def _pretraining(evaluation: Evaluation) -> tuple[list[str], Rows]:
    """What the record of each model's run told; a model without such a record has no row."""
    head = ["model", *LOSSES, "pairs a step", "steps", "model of", "seed", "corpus", "begun from"]
    rows: dict[str, list[Cell]] = {}
    for cell in evaluation.cells:
        if told := cell.result.pretraining:
            row: list[Cell] = [cell.place.model, *(f"{told[name]:g}" for name in LOSSES)]
            row += [f"{told['slots']} x {told['pairs']}", told["steps"]]
            row += ["its end" if told["kept"] == "last" else "its best validation", told["seed"]]
            row += [told["corpus"][:_DIGITS], (told["start"] or "random weights")[:_DIGITS]]
            rows[cell.place.model] = row
    return head, list(rows.values())


def _samples(evaluation: Evaluation) -> tuple[list[str], Rows]:
    """A row for each sample of each size; counts may depend on a model's tokenizer."""
    head = ["size", "sample", "file", "sha256", "examples", "ids", "counts"]
    rows: dict[tuple[int | None, int], list[Cell]] = {}
    counts: dict[tuple[int | None, int], dict[str, list[int]]] = {}
    for cell in evaluation.cells:
        key, train = (cell.place.size, cell.place.sample), cell.result.train
        rows[key] = [size_label(key[0]), key[1], train.file, train.sha256[:_DIGITS]]
        rows[key] += [train.examples, train.ids]
        for name, number in train.counts.items():
            counts.setdefault(key, {}).setdefault(name, []).append(number)
    return head, [
        [*row, ", ".join(f"{name} {_range(found)}" for name, found in counts.get(key, {}).items())]
        for key, row in rows.items()
    ]


def _tests(evaluation: Evaluation) -> tuple[list[str], Rows]:
    head = ["test", "column", "in the average", "file", "sha256", "items"]
    if not evaluation.cells:
        return head, []
    rows: Rows = []
    for file in test_files(evaluation.config.task):
        score = evaluation.cells[0].result.scores[file.key]
        row: list[Cell] = [file.test, file.column, "yes" if file.averaged else "no", score.file]
        rows.append([*row, score.sha256[:_DIGITS], score.items])
    return head, rows


def _tokenizers(evaluation: Evaluation) -> tuple[list[str], Rows]:
    """How each model's tokenizer takes each test file; files of equal columns stay apart."""
    head = ["test file", "model", "[UNK] of all tokens", "tokens a word"]
    found: dict[tuple[str, str], dict[str, float]] = {}
    for file in test_files(evaluation.config.task):
        for cell in evaluation.cells:
            share = cell.result.scores[file.key].tokenizer
            found.setdefault((file.key, cell.place.model), share)
    return head, [
        [key, model, f"{share['unknown_share']:.1%}", f"{share['tokens_per_word']:.2f}"]
        for (key, model), share in found.items()
    ]


def _repairs(evaluation: Evaluation) -> tuple[list[str], Rows]:
    """What was counted while each file was read and answered; from the least to the most."""
    head = ["test file", "counted", "by cell"]
    found: dict[tuple[str, str], list[int]] = {}
    for file in test_files(evaluation.config.task):
        for cell in evaluation.cells:
            for name, number in cell.result.scores[file.key].counts.items():
                found.setdefault((file.key, name), []).append(number)
    return head, [[key, name, _range(numbers)] for (key, name), numbers in found.items()]


def _cells(evaluation: Evaluation) -> tuple[list[str], Rows]:
    head = ["model", "form", "size", "sample", "seed", "steps", "loss at the end", "seconds"]
    head += ["head", "trained on", "identity"]
    rows: Rows = []
    for place, result in ((cell.place, cell.result) for cell in evaluation.cells):
        row: list[Cell] = [place.model, place.form, size_label(place.size), place.sample]
        row += [result.seed, result.steps, result.loss, round(result.seconds)]
        rows.append([*row, result.head, result.train.ids, result.identity_hash[:_DIGITS]])
    return head, rows


def _range(numbers: list[int]) -> str:
    least, most = min(numbers), max(numbers)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"
