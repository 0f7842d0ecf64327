"""Moses pairs: two files, line n of one translates line n of the other."""

import itertools
from collections.abc import Iterator

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus.readers.chunk import Pairs, in_chunks
from clism_ray.corpus.readers.lines import raw_lines
from clism_ray.errors import InputError


def chunks(files: CorpusFiles, lines: int) -> Iterator[Pairs]:
    """The pairs of two files, an empty line a pair like any other.

    Raises InputError for files of unequal length.
    """
    return in_chunks(_pairs(files), lines)


def _pairs(files: CorpusFiles) -> Iterator[tuple[bytes, bytes]]:
    source_path, target_path = files.path, str(files.target_path)
    sources, targets = raw_lines(source_path), raw_lines(target_path)
    for line, (source, target) in enumerate(itertools.zip_longest(sources, targets), 1):
        if source is None or target is None:
            more = sum(1 for _ in (targets if source is None else sources))
            counts = (line - 1, line + more) if source is None else (line + more, line - 1)
            raise InputError(
                f"corpus {files.name!r}: {source_path} has {counts[0]} lines, {target_path} has "
                f"{counts[1]}; line n of one must translate line n of the other"
            )
        yield source, target
