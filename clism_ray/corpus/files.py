"""The files of a corpus: whether its settings fit its format, and what its paths stand for."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from clism_ray.config_corpus import CorpusFiles
from clism_ray.corpus import storage
from clism_ray.errors import InputError

_DEFAULT_COLUMNS = (0, 1)
_NAMED = ("parquet", "huggingface")  # formats whose columns have names and no positions


def files_of(corpus: CorpusFiles) -> list[CorpusFiles]:
    """The corpus once for each file that its path stands for, in the order of their paths.

    For format moses, `target_path` is a pattern with as many stars: what they stand for in a
    source file names its target file. A dataset comes with the commit that it has now. Raises
    InputError for settings that do not fit the format and for what is not there.
    """
    _check_settings(corpus)
    _check_columns(corpus)
    if corpus.format == "huggingface":
        from clism_ray.corpus.readers import huggingface  # here: it takes a second to import

        return [huggingface.pinned(corpus)]
    try:
        if corpus.target_path is not None:
            return _moses(corpus, corpus.target_path)
        return [dataclasses.replace(corpus, path=file.path) for file in storage.find(corpus.path)]
    except InputError as error:
        raise InputError(f"corpus {corpus.name!r}: {error}") from error


def file_names(corpus: Sequence[CorpusFiles]) -> list[tuple[str, ...]]:
    """What the files of a corpus, as `files_of` gives them, are called: a name for each of `paths`.

    The name without folders; where any two have one, that of each with the folders below the last
    that all share. Of a dataset, its subset and split too. A pair's origin has the first.
    """
    if corpus[0].format == "huggingface":
        parts = ((Path(files.path).name, files.subset, files.split) for files in corpus)
        return [("/".join(filter(None, names)),) for names in parts]
    by_path = zip(*map(paths, corpus), strict=True)
    return list(zip(*map(storage.names_of, by_path), strict=True))


def paths(files: CorpusFiles) -> list[str]:
    """The paths of a corpus of one file: two for format moses."""
    return [path for path in (files.path, files.target_path) if path is not None]


def content(files: CorpusFiles, path: str) -> tuple[int, str]:
    """Size in bytes and hash of what stands at one of the paths."""
    if files.format == "huggingface":
        from clism_ray.corpus.readers import huggingface

        return huggingface.content(files)
    return storage.info(path).size, storage.sha256(path)


def _moses(corpus: CorpusFiles, target_path: str) -> list[CorpusFiles]:
    sources, targets = storage.find(corpus.path), storage.find(target_path)
    counts = len(sources[0].stars), len(targets[0].stars)
    if counts[0] != counts[1]:
        raise InputError(
            f"path {corpus.path} has {counts[0]} stars, target_path {target_path} has {counts[1]}; "
            "give both the same number (a folder counts as one), or none"
        )
    by_stars = {file.stars: file.path for file in targets}
    for ours, theirs, pattern in ((sources, targets, target_path), (targets, sources, corpus.path)):
        known = {file.stars for file in theirs}
        if alone := [file.path for file in ours if file.stars not in known]:
            raise InputError(
                f"{alone[0]}: no file of {pattern} has the same part in place of the star "
                f"({len(alone)} such files); each file needs one on the other side"
            )
    return [
        dataclasses.replace(corpus, path=file.path, target_path=by_stars[file.stars])
        for file in sources
    ]


def _check_settings(corpus: CorpusFiles) -> None:
    where = f"corpus {corpus.name!r}"
    if (corpus.format == "moses") != (corpus.target_path is not None):
        raise InputError(
            f"{where}: target_path belongs to format moses and to no other; "
            f"got format {corpus.format} and target_path {corpus.target_path!r}"
        )
    if corpus.header and corpus.format != "tsv":
        raise InputError(f"{where}: header is for format tsv; got format {corpus.format}")
    for key in ("subset", "split", "revision"):
        if getattr(corpus, key) is not None and corpus.format != "huggingface":
            raise InputError(f"{where}: {key} is for format huggingface; got {corpus.format}")


def _check_columns(corpus: CorpusFiles) -> None:
    where = f"corpus {corpus.name!r}"
    columns = corpus.source_column, corpus.target_column
    if corpus.format in ("moses", "tmx") and columns != _DEFAULT_COLUMNS:
        raise InputError(
            f"{where}: format {corpus.format} has no columns; leave source_column and "
            f"target_column out; got {columns[0]!r} and {columns[1]!r}"
        )
    for side, column in zip(("source", "target"), columns, strict=True):
        if corpus.format == "jsonl" and not isinstance(column, str):
            raise InputError(
                f"{where}: format jsonl takes a key as {side}_column, as in "
                f"{side}_column: {side}; got {column!r}"
            )
        if corpus.format == "tsv" and isinstance(column, str) and not corpus.header:
            raise InputError(
                f"{where}: {side}_column {column!r} is a name, but header is false; "
                "set header: true, or give the position, from 0"
            )
        if corpus.format in _NAMED and columns != _DEFAULT_COLUMNS and isinstance(column, int):
            raise InputError(
                f"{where}: format {corpus.format} takes a name as {side}_column, as in "
                f"{side}_column: {side}; got {column!r}. With neither column given, it reads "
                "the column `translation`"
            )
