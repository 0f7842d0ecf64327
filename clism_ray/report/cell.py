"""What a fine-tuning came to: a table of its scores, where the model is."""

from rich.console import Console
from rich.table import Table

from clism_ray.finetune.cell import MODEL, CellResult
from clism_ray.finetune.driver import FinetuneResult
from clism_ray.store import viewer_command


def print_cell(found: FinetuneResult) -> None:
    """Print the outcome of a fine-tuning."""
    console = Console(width=None if Console().is_terminal else 120)
    result = found.result
    console.print(scores_table(result))
    told = {name: number for name, number in result.train.counts.items() if number}
    console.print(f"trained on {result.train.examples:,} examples of {result.train.file}: {told}")
    model = found.folder / MODEL
    lines = [f"finished: {found.folder}"]
    lines += [f"model:    {model}"] if model.is_dir() else []
    lines += [f"compare:  {viewer_command(found.tracking_uri)}"]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def scores_table(result: CellResult) -> Table:
    """A row for each test file, a column for each metric."""
    names = list(dict.fromkeys(name for score in result.scores.values() for name in score.metrics))
    table = Table(title=f"{result.name}: scores in per cent", title_justify="left")
    for name in ("test", "items", *names, "[UNK]", "tokens a word"):
        table.add_column(name, justify="left" if name == "test" else "right")
    for key, score in result.scores.items():
        values = [f"{score.metrics[n]:.1f}" if n in score.metrics else "" for n in names]
        share = score.tokenizer
        table.add_row(
            key if score.averaged else f"{key} (shown)",
            f"{score.items:,}",
            *values,
            f"{share['unknown_share']:.1%}",
            f"{share['tokens_per_word']:.2f}",
        )
    return table
