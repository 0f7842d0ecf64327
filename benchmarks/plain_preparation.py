"""The tasks of a preparation one after the other, without Ray, and a clock on their parts."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

from meters import Clock, counting

from clism_ray.config_corpus import PrepareConfig
from clism_ray.corpus import build, clean, intake, stages
from clism_ray.corpus.eflomal import Eflomal
from clism_ray.corpus.finders import open_finder
from clism_ray.corpus.inputs import inputs_of
from clism_ray.corpus.intake_stages import note_dev_texts, take_in_chunk
from clism_ray.corpus.linkers import open_encoder
from clism_ray.corpus.pieces import once
from clism_ray.corpus.read import read_chunks
from clism_ray.corpus.spans import Finder
from clism_ray.corpus.systran import Systran
from clism_ray.corpus.taken_in import Pieces, record


def plain_loop(
    config: PrepareConfig, folder: Path, clock: Clock | None = None
) -> tuple[dict[str, float], int]:
    """The tasks of a preparation one after the other: CPU seconds of each stage, number of lines.

    Tables that are there are not fitted again.
    """
    check_plain(config)
    seconds: dict[str, float] = {}
    lines = 0
    (source,) = inputs_of(config)

    def finder(*arguments: Any) -> Finder:
        found = open_finder(*arguments)
        return clock.wrap("find spans", found) if clock else found

    with counting(seconds, "take in"):
        once(record(folder, "dev"), lambda: (Counter(), Counter()))
        note_dev_texts(folder, config)
        pieces: Pieces = Counter()
        for chunk in read_chunks(source.files):
            (counts, of_chunk), _ = take_in_chunk(folder, config, source, chunk)
            lines += sum(n for (_, _, outcome), n in counts.items() if outcome == "in")
            pieces.update(of_chunk)
        once(record(folder, "train"), lambda: (Counter(), pieces))
    with counting(seconds, "fit"):
        stages.fit_tables(folder, config, None, *source.languages)
    first_row_id = 0
    for bucket in range(config.shards):
        with counting(seconds, "build"):
            (counts, _), _ = stages.build_part(
                folder, config, finder, open_encoder, "train", bucket, part=0, parts=1
            )
        with counting(seconds, "number"):
            rows = sum(n for (_, _, outcome), n in counts.items() if outcome == "train")
            stages.number_bucket(folder, config, "train", bucket, 1, first_row_id, rows)
            first_row_id += rows
    return seconds, lines


def loops_at_once(config: PrepareConfig, folder: Path, number: int) -> list[float]:
    """The CPU seconds of each of some plain loops, in processes of their own."""
    with ProcessPoolExecutor(number, get_context("spawn")) as pool:
        found = pool.map(plain_loop, [config] * number, (folder / str(n) for n in range(number)))
        return [sum(seconds.values()) for seconds, _ in found]


def check_plain(config: PrepareConfig) -> None:
    """Refuse what the plain loop does not do: it would be told as costing nothing."""
    asked = {
        "alignment.method=neural": config.alignment.neural,
        "cleaning.decontaminate": config.cleaning.decontaminate.files,
        "cleaning.near_duplicates": config.cleaning.near_duplicates,
        "dev": config.dev.corpora or config.dev.fraction,
        "sampling.temperature": config.sampling.temperature > 1,
    }
    if refused := [name for name, given in asked.items() if given]:
        sys.exit(f"{', '.join(refused)}: not part of the plain loop that Ray Data is compared with")


@contextmanager
def measuring(clock: Clock) -> Iterator[None]:
    """Have the parts of preparation measured, where others look them up."""
    with ExitStack() as stack:
        for aligner in (Systran, Eflomal):
            linked = clock.wrap("link", listed(aligner.links))
            stack.enter_context(patch.object(aligner, "links", linked))
        for module, function, name in (
            (intake, "cleaned", "clean"),
            (intake, "drop_reason", "clean"),
            (clean, "number_of_words", "segment"),
            (build, "side", "segment"),
            (build, "align", "align"),
            (build, "project", "project"),
        ):
            timed = clock.wrap(name, getattr(module, function))
            stack.enter_context(patch.object(module, function, timed))
        yield


def listed(links: Callable[..., Iterable[Any]]) -> Callable[..., list[Any]]:
    """What computes links one by one, as what computes all at once."""
    return lambda *arguments: list(links(*arguments))
