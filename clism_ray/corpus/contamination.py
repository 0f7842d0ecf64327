"""Pairs that give away evaluation sets: found while corpora are taken in, and dropped.

A pair of train or dev is contaminated if one of its sides shares a run of n words (`word_runs`)
with a text of an evaluation file. The runs of all texts are one sorted array on disk, which tasks
map into memory:

    evaluation/00000.npy, .json  the runs of a file, each with the number of its text, sorted;
                                 the file's name and form, and how many texts it has
    evaluation/runs.npy          the runs of all files, each once; sorted
    evaluation/found/*.json      what each chunk of lines shared with which files
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clism_ray.corpus import storage
from clism_ray.corpus.clean import normalise
from clism_ray.corpus.evaluation_texts import Format, format_of, texts_of
from clism_ray.corpus.intake import Counts, Split
from clism_ray.corpus.pieces import whole
from clism_ray.corpus.samples import Samples, note
from clism_ray.corpus.word_runs import content_words, runs
from clism_ray.errors import InputError
from clism_ray.records import Origin

EXAMPLES = 5  # pairs that the report shows for each file
_RUN = np.dtype([("number", np.uint64), ("text", np.int64)])
_Numbers: TypeAlias = NDArray[np.uint64]
Row: TypeAlias = dict[str, Any]  # of `intake.SCHEMA`


class EvaluationFile(NamedTuple):
    """A file whose texts are kept out."""

    path: str
    name: str  # as short as tells it from the others
    format: Format


class Hit(NamedTuple):
    """What a pair shares with evaluation files."""

    row: Row
    numbers: _Numbers  # the runs
    words: str  # of the first of them


def evaluation_files(patterns: Sequence[str]) -> list[EvaluationFile]:
    """The files that paths, folders and patterns stand for, each once, with their forms.

    Raises InputError for what is not there or has no form of `evaluation_texts`.
    """
    try:
        paths = sorted({file.path for pattern in patterns for file in storage.find(pattern)})
        formats = [format_of(path) for path in paths]
    except InputError as error:
        raise InputError(f"cleaning.decontaminate.files: {error}") from error
    files = [EvaluationFile(*entry) for entry in zip(paths, _names(paths), formats, strict=True)]
    return sorted(files, key=lambda file: file.name)


def note_runs(folder: Path, n: int, number: int, file: EvaluationFile) -> int:
    """Store the runs of an evaluation file, if that was not done yet; how many texts it has.

    Raises InputError if it cannot be read, or if no text of it has a run.
    """
    path = folder / "evaluation" / f"{number:05d}.npy"
    if not path.with_suffix(".json").is_file():
        texts = list(dict.fromkeys(map(normalise, texts_of(file.path, file.format))))
        found = runs(texts, n)
        if not len(found.number_R):
            raise InputError(
                f"{file.path}: none of its {len(texts):,} texts (read as {file.format}) counts "
                f"{n / 2:g} words, so nothing could be found; is it of another form?"
            )
        entries = np.empty(len(found.number_R), _RUN)
        entries["number"], entries["text"] = found.number_R, found.text_R
        _save(path, np.unique(entries))
        with whole(path.with_suffix(".json")) as part:
            part.write_text(json.dumps([file.name, file.format, len(texts)]), encoding="utf-8")
    texts_of_file: int = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))[-1]
    return texts_of_file


def merge_runs(folder: Path) -> None:
    """Store the runs of all files together."""
    numbers = [np.load(path)["number"] for path in _files(folder)]
    _save(_merged(folder), np.unique(np.concatenate(numbers)))


def drop_contaminated(
    folder: Path,
    n: int,
    name: str,
    rows: Mapping[Split, list[Row]],
    counts: Counts,
    samples: Samples,
) -> dict[Split, list[Row]]:
    """The rows of a chunk of lines, of this name, that are not contaminated; notes the others.

    They are added to `counts` and `samples`, and to what `report` tells.
    """
    hits = contaminated(folder, [row for split in rows.values() for row in split], n)
    note_hits(folder, hits, name)
    for row in (hit.row for hit in hits):
        languages = f"{row['source_language']}-{row['target_language']}"
        origin = Origin(row["corpus"], row["file"], row["line"])
        counts[languages, origin.corpus, "contaminated"] += 1
        note(samples, languages, "contaminated", origin, row["source"], row["target"])
    gone = {id(hit.row) for hit in hits}
    return {split: [row for row in kept if id(row) not in gone] for split, kept in rows.items()}


def contaminated(folder: Path, rows: Sequence[Row], n: int) -> list[Hit]:
    """Those of the rows that share a run with an evaluation text, in their order."""
    found = runs([row[side] for row in rows for side in ("source", "target")], n)
    shared = np.flatnonzero(_is_in(found.number_R, _all_runs(folder)))
    shared = shared[np.lexsort((found.first_R[shared], found.text_R[shared]))]
    places, firsts = np.unique(found.text_R[shared] // 2, return_index=True)
    hits = []
    for place, of_pair in zip(places.tolist(), np.split(shared, firsts[1:]), strict=False):
        run = of_pair[0]
        side = rows[place]["target" if found.text_R[run] % 2 else "source"]
        words = content_words(side)[found.first_R[run] : found.end_R[run]]
        hits.append(Hit(rows[place], found.number_R[of_pair], " ".join(words)))
    return hits


def note_hits(folder: Path, hits: Sequence[Hit], name: str) -> None:
    """Store what a chunk of lines, of this name, shares with each of the files."""
    lengths = [len(hit.numbers) for hit in hits]
    place, numbers = np.repeat(np.arange(len(hits)), lengths), _joined(hit.numbers for hit in hits)
    tree: dict[str, Any] = {"runs": np.unique(numbers).tolist(), "pairs": [], "examples": []}
    for path in _files(folder):
        # Most chunks share nothing, and evaluation files may be many and large.
        known = np.load(path, mmap_mode="r")["number"] if hits else numbers
        of_file = _is_in(numbers, known) if hits else np.empty(0, np.bool_)
        pairs = [hits[at] for at in np.unique(place[of_file]).tolist()]
        tree["pairs"].append(len(pairs))
        tree["examples"].append(_first([_example(hit) for hit in pairs]))
    with whole(folder / "evaluation" / "found" / f"{name}.json") as part:
        part.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")


def report(folder: Path) -> dict[str, dict[str, Any]]:
    """For each evaluation file, how many of its texts were hit, the pairs dropped, examples."""
    files = _files(folder)
    shared: set[int] = set()
    pairs = [0] * len(files)
    examples: list[list[dict[str, Any]]] = [[] for _ in files]
    for path in sorted((folder / "evaluation" / "found").glob("*.json")):  # one a chunk: many
        chunk = json.loads(path.read_text(encoding="utf-8"))
        shared.update(chunk["runs"])
        pairs = [before + more for before, more in zip(pairs, chunk["pairs"], strict=True)]
        examples = [
            _first(before + more) if more else before
            for before, more in zip(examples, chunk["examples"], strict=True)
        ]
    numbers = np.array(sorted(shared), np.uint64)
    return dict(
        _entry(path, numbers, dropped, of_file)
        for path, dropped, of_file in zip(files, pairs, examples, strict=True)
    )


def _entry(
    path: Path, shared: _Numbers, pairs: int, examples: Sequence[dict[str, Any]]
) -> tuple[str, dict[str, Any]]:
    """What the report says of a file of runs: the evaluation file's name, and the rest."""
    name, form, texts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    entries = np.load(path, mmap_mode="r")
    hit = np.unique(entries["text"][_is_in(entries["number"], shared)]) if len(shared) else ()
    return name, {
        "format": form,
        "texts": texts,
        "texts_hit": len(hit),
        "pairs_dropped": pairs,
        "examples": [{k: v for k, v in e.items() if k != "key"} for e in examples],
    }


def _example(hit: Hit) -> dict[str, Any]:
    names = ("key", "corpus", "file", "line", "source", "target")
    return {**{name: hit.row[name] for name in names}, "shared": hit.words}


def _first(examples: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those with the lowest keys, a fair sample: of equal pairs the one with the lowest origin."""
    ordered = sorted(examples, key=lambda e: (e["key"], e["corpus"], e["file"], e["line"]))
    different = {example["key"]: example for example in reversed(ordered)}
    return [different[key] for key in sorted(different)][:EXAMPLES]


def _names(paths: Sequence[str]) -> list[str]:
    """The ends of paths, of as many folders as make them different."""
    parts = [PurePosixPath(path).parts for path in paths]
    for length in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(each[-length:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return list(paths)


def _joined(numbers: Iterable[_Numbers]) -> _Numbers:
    return np.concatenate([np.empty(0, np.uint64), *numbers])


def _is_in(numbers: _Numbers, known: _Numbers) -> NDArray[np.bool_]:
    """Whether each number is one of the known, which are sorted and at least one."""
    at = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.asarray(known[at] == numbers)


@lru_cache(maxsize=1)
def _all_runs(folder: Path) -> _Numbers:
    runs_of_all: _Numbers = np.load(_merged(folder), mmap_mode="r")
    return runs_of_all


def _merged(folder: Path) -> Path:
    return folder / "evaluation" / "runs.npy"


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "evaluation").glob("[0-9]*.npy"))


def _save(path: Path, numbers: NDArray[Any]) -> None:
    with whole(path) as part, part.open("wb") as file:
        np.save(file, numbers)
