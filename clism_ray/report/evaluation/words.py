"""What an evaluation came to, in words that its data choose."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from clism_ray.report.evaluation.results import Evaluation
from clism_ray.report.evaluation.tables import Table, is_real
from clism_ray.tasks.significance import AVERAGE, Comparison
from clism_ray.tasks.statistics import Estimate

_LISTED = 12  # cells named in a note
_NAMED = 8  # columns named in a sentence

_BETTER, _WORSE, _OPEN = "beats", "falls behind", "is not told apart from"


def sentences(evaluation: Evaluation) -> list[str]:
    """What each model is worth beside the baseline, test set by test set."""
    said = [
        _sentence(evaluation, test, model)
        for test in evaluation.config.task.tests
        for model in evaluation.config.models
        if model != evaluation.config.baseline
    ]
    found = [sentence for sentence in said if sentence]
    if found:
        return found
    return [
        f"Nothing can be compared yet: {len(evaluation.cells)} of {evaluation.planned} cells are "
        f"finished, and no sample of {evaluation.config.baseline} and of another model."
    ]


def how_to_read(evaluation: Evaluation) -> str:
    """What the numbers of the tables are."""
    config = evaluation.config
    return (
        f"Means over {runs_word(config.sizes)}s in per cent. Intervals of {config.confidence:.0%} "
        f"come from {config.resamples:,} resamples of {runs_word(config.sizes)}s and test items, "
        "drawn alike for all models; items of one passage or document are drawn together. "
        f"* marks a difference to {config.baseline} whose interval leaves out 0 and whose p-value "
        f"is below {1 - config.confidence:.2g}, for single languages after Holm's correction for "
        "their number. Several models, sizes and test sets are not corrected for."
    )


def shown_words(evaluation: Evaluation, test: str) -> str | None:
    """Which languages are in no average, and how little the tokenizers know them."""
    told = []
    for file in evaluation.config.task.tests[test].files(test):
        shares = [cell.result.scores[file.key].tokenizer for cell in evaluation.cells]
        if shares and not file.averaged:
            unknown = max(share["unknown_share"] for share in shares)
            tokens = max(share["tokens_per_word"] for share in shares)
            told.append(f"{file.column} ({unknown:.0%} of tokens unknown, {tokens:.1f} to a word)")
    return f"Shown, but in no average: {', '.join(told)}." if told else None


def metric_words(metric: str) -> str:
    """A metric as people call it."""
    kind, _, entity = metric.partition("/")
    name = "EM" if kind.endswith("exact") else "F1"
    rules = {"mlqa": " by MLQA's rules", "squad": " by SQuAD's script"}
    return name + rules.get(kind.split("_")[0], "") + (f" of {entity}" if entity else "")


def runs_word(sizes: Sequence[int | None]) -> str:
    """What is repeated: training on other examples, or on all of them with another seed."""
    return "seed" if set(sizes) == {None} else "sample"


def size_words(size: int | None) -> str:
    """`128 examples`."""
    return "all examples" if size is None else f"{size:,} examples"


def interval(estimate: Estimate | Comparison, *, signed: bool = False) -> str:
    """`45.2 (41.0 to 49.3)`, a difference with signs."""
    form = "{:+.1f} ({:+.1f} to {:+.1f})" if signed else "{:.1f} ({:.1f} to {:.1f})"
    return form.format(estimate.value, estimate.low, estimate.high)


def difference(comparison: Comparison | None, confidence: float) -> str:
    """A difference with its interval, and a star where it is real; nothing for None."""
    if comparison is None:
        return ""
    return interval(comparison, signed=True) + star(comparison, confidence)


def star(comparison: Comparison | None, confidence: float) -> str:
    """A star where a difference is real."""
    return " *" if comparison is not None and is_real(comparison, confidence) else ""


def p_words(p: float) -> str:
    """A p-value of two digits."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def joined(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def listed(names: Iterable[object], what: str) -> str:
    """The first names, and how many more."""
    texts = [str(name) for name in names]
    more = f", and {len(texts) - _LISTED} more {what}" if len(texts) > _LISTED else ""
    return ", ".join(texts[:_LISTED]) + more


def _sentence(evaluation: Evaluation, test: str, model: str) -> str | None:
    verdicts: dict[str, list[str]] = defaultdict(list)
    confidence, tables = evaluation.config.confidence, evaluation.headline(test)
    for table in tables:
        line = next((line for line in table.counting() if line.model == model), None)
        if line is None or AVERAGE not in line.differences:
            continue
        found = line.differences[AVERAGE]
        real = is_real(found, confidence)
        verdict = _OPEN if not real else _BETTER if found.value > 0 else _WORSE
        value = abs(found.value) if real else found.value
        ends = sorted((abs(found.low), abs(found.high))) if real else (found.low, found.high)
        form = "{:.1f} ({:.1f} to {:.1f})" if real else "{:+.1f}, {:+.1f} to {:+.1f}"
        text = form.format(value, *ends)
        verdicts[verdict].append(
            f"by {text} with {size_words(table.size)}"
            if real
            else f"with {size_words(table.size)} ({text})"
        )
    if not verdicts:
        return None
    parts = [
        f"{verdict} {evaluation.config.baseline} {joined(cases)}"
        for verdict in (_BETTER, _WORSE, _OPEN)
        if (cases := verdicts.get(verdict))
    ]
    single = next((table for table in tables if len(table.samples) == 1), None)
    alone = f" (one {runs_word([single.size])} only)" if single else ""
    where = f"{test}, {metric_words(tables[0].metric)}, {average_words(tables[0])}"
    return f"{where}: {model} {'; it '.join(parts)}{alone}."


def average_words(table: Table) -> str:
    """What the average of a table is over."""
    if len(table.averaged) == 1:
        return table.averaged[0]
    if len(table.averaged) > _NAMED:
        return f"average of {len(table.averaged)} columns"
    return f"average of {joined(table.averaged)}"
