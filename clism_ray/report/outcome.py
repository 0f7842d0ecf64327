"""What a run came to: a table before and after, worked examples, where things are."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from transformers.utils.logging import disable_progress_bar

from clism_ray.model.export import SPAN_HEAD
from clism_ray.store import viewer_command
from clism_ray.tasks.probes import LOWER, WAYS
from clism_ray.train import journal
from clism_ray.train.driver import PretrainResult
from clism_ray.train.validate import dev_pairs
from clism_ray.train.worked import WorkedExample, work_examples

_EXAMPLES = 3
_LEFT_OUT = tuple(f"validation/{name}/" for name in ("perplexity", *LOWER, *WAYS))  # by language


def print_result(result: PretrainResult) -> None:
    """Print the outcome of a pre-training run."""
    disable_progress_bar()  # of a model that is loaded
    console = Console(width=None if Console().is_terminal else 120)
    entries = journal.read(result.folder / journal.JOURNAL)
    validations = [entry for entry in entries if entry.kind == "validation"]
    if validations:
        console.print(before_and_after(validations[0], validations[-1]))
    console.print(counts_line(entries), highlight=False)
    model = result.folder / ("best" if (result.folder / "best").is_dir() else "last")
    if (model / SPAN_HEAD).is_file():
        pairs = dev_pairs(result.recipe, 20)
        print_examples(console, work_examples(model, result.recipe, pairs, _EXAMPLES))
    lines = [f"{result.status}: {result.folder}"]
    lines += [f"model:    {model}"] if model.is_dir() else []
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    run = f"   (run {result.mlflow_run})" if result.mlflow_run else ""
    console.print(
        f"compare:  {viewer_command(result.tracking_uri)}{run}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def before_and_after(first: journal.Entry, last: journal.Entry) -> Table:
    """Figures of the held-out pairs at the first and the last validation; shares by language."""
    table = Table(title=f"held-out pairs ({last.values['validation/questions']:.0f} questions)")
    table.add_column("")
    table.add_column(f"step {first.step}", justify="right")
    table.add_column(f"step {last.step}", justify="right")
    for name, value in last.values.items():
        share = "accuracy" in name or "retrieval" in name
        if name == "validation/questions" or name.startswith(_LEFT_OUT):
            continue
        form = "{:.1%}" if share else "{:.3f}"
        label = name.removeprefix("validation/").replace("accuracy", "exact spans")
        table.add_row(label, _before(first, name, form), form.format(value))
    return table


def _before(first: journal.Entry, name: str, form: str) -> str:
    # Held-out pairs are placement: a later start may ask about languages that the first did not.
    return form.format(first.values[name]) if name in first.values else ""


def counts_line(entries: Sequence[journal.Entry]) -> str:
    """Pairs seen and pairs left out while training, by reason."""
    trained = [entry.values for entry in entries if entry.kind == "train"]
    seen = sum(values["data/pairs"] for values in trained)
    reasons: dict[str, float] = {}
    for values in trained:
        for name, count in values.items():
            if name.startswith("dropped/"):
                reason = name.removeprefix("dropped/")
                reasons[reason] = reasons.get(reason, 0.0) + count
    left_out = ", ".join(f"{reason} {count:.0f}" for reason, count in sorted(reasons.items()))
    return f"pairs trained on: {seen:,.0f}; left out while masking: {left_out or 'none'}"


def print_examples(console: Console, examples: Sequence[WorkedExample]) -> None:
    """Print source with `[QUE]`, target, predicted and right answer."""
    for example in examples:
        right = example.predicted == example.answer
        console.print(
            f"\n[bold]{example.language}[/bold]  {escape(example.masked_source)}\n"
            f"       {escape(example.target)}\n"
            f"       first \\[QUE] -> {escape(example.predicted)}   "
            f"{'right' if right else 'wrong, it is ' + escape(example.answer)}",
            highlight=False,
            soft_wrap=True,
        )
    if examples:
        console.print()
