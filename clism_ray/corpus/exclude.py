"""What keeps out pairs that are usable in themselves, on Ray Data.

    note evaluations       evaluation file -> the runs of words of its texts, before pairs come in
    find near duplicates   bucket -> band hashes -> pairs that meet -> texts to compare with

What the tasks do is in `contamination` and `near_duplicates`.
"""

from functools import partial
from pathlib import Path

from clism_ray.config_corpus import PrepareConfig
from clism_ray.corpus import contamination, cuts, near_duplicates, storage
from clism_ray.corpus.contamination import evaluation_files
from clism_ray.corpus.intake import SPLITS
from clism_ray.corpus.progress import Progress
from clism_ray.corpus.tasks import each


def hashes(config: PrepareConfig) -> dict[str, str]:
    """SHA-256 of each evaluation file, by its path. A file in, its hash out."""
    paths = [file.path for file in evaluation_files(config.cleaning.decontaminate.files)]
    found = each(storage.sha256, [(path,) for path in paths], config.resources) if paths else []
    return dict(zip(paths, found, strict=True))


def note_evaluations(config: PrepareConfig, folder: Path) -> None:
    """What no pair must share, on disk. An evaluation file in, its number of texts out."""
    settings = config.cleaning.decontaminate
    files = list(enumerate(evaluation_files(settings.files)))
    if not files:
        return
    progress = Progress("exclude", "texts of evaluation files")
    note_runs = partial(contamination.note_runs, folder, settings.ngram)
    each(note_runs, files, config.resources, lambda texts: progress.add(texts))
    contamination.merge_runs(folder)
    progress.end()


def find_near_duplicates(config: PrepareConfig, folder: Path) -> None:
    """What each bucket is to be compared with, on disk. A bucket in, nothing out, three times."""
    threshold = config.cleaning.near_duplicates
    if threshold is None:
        return
    buckets = {split: cuts.buckets(config, split) for split in SPLITS}
    places = near_duplicates.places(buckets)
    numbers = [(number,) for number in range(buckets["train"])]
    progress = Progress("compare", "buckets", 2 * len(places) + len(numbers))
    for task, arguments in (
        (partial(near_duplicates.note_bands, folder, buckets, threshold), places),
        (partial(near_duplicates.meet, folder, buckets), numbers),
        (partial(near_duplicates.bring_texts, folder, buckets), places),
    ):
        each(task, arguments, config.resources, lambda _: progress.add(1))
    progress.end()
