"""What a preparation starts from and ends with, checked: inputs, rows left, an old output."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from clism_ray.config import differences, to_tree
from clism_ray.config_corpus import CorpusFiles, PrepareConfig
from clism_ray.corpus import taken_in
from clism_ray.corpus.card import read_card
from clism_ray.corpus.contamination import evaluation_files
from clism_ray.corpus.files import file_names, files_of, paths
from clism_ray.corpus.intake import Counts, Split
from clism_ray.corpus.manifest import Manifest, read_manifest
from clism_ray.errors import InputError
from clism_ray.passwords import masked_tree

_NO_TRACE = ("copy_to", "resources")  # settings that the corpus has no part of


class Input(NamedTuple):
    """One file of a corpus of the configuration."""

    number: int
    files: CorpusFiles
    names: tuple[str, ...]  # of its paths
    is_dev: bool

    @property
    def name(self) -> str:
        """What the origin of its pairs calls it."""
        return self.names[0]

    @property
    def paths(self) -> list[tuple[str, str]]:
        """Its paths and their names: two for format moses."""
        return list(zip(paths(self.files), self.names, strict=True))

    @property
    def languages(self) -> tuple[str, str]:
        """Source and target language."""
        return self.files.source_language, self.files.target_language


def inputs_of(config: PrepareConfig) -> list[Input]:
    """The files of the corpora of both splits, checked as far as a look at their settings goes."""
    corpora = [(files, False) for files in config.corpora]
    corpora += [(files, True) for files in config.dev.corpora]
    inputs: list[Input] = []
    for corpus, is_dev in corpora:
        all_files = files_of(corpus)
        for files, names in zip(all_files, file_names(all_files), strict=True):
            inputs.append(Input(len(inputs), files, names, is_dev))
    evaluation_files(config.cleaning.decontaminate.files)
    trained = {entry.languages for entry in inputs if not entry.is_dev}
    origins: set[tuple[str, str]] = set()
    for entry in inputs:
        files = entry.files
        origin = files.name, entry.name
        if origin in origins:
            raise InputError(
                f"corpus {files.name!r}: two of its files are called {origin[1]}; "
                "give one of them another corpus name, so that a line's origin is clear"
            )
        origins.add(origin)
        if entry.languages not in trained:
            raise InputError(
                f"dev corpus {files.name!r}: {'-'.join(entry.languages)} has no training corpus, "
                "so no alignment tables; remove it, or add a corpus of these languages"
            )
    return inputs


def licences(inputs: Sequence[Input]) -> dict[str, str]:
    """The licence of each corpus, or all of them where its files have several."""
    found: dict[str, set[str]] = {}
    for entry in inputs:
        found.setdefault(entry.files.name, set()).add(entry.files.licence)
    return {name: "; ".join(sorted(of_files)) for name, of_files in found.items()}


def check_pairs_left(folder: Path, language_pair: str, counts: Counts) -> None:
    """InputError if no usable pair of a language pair came in to train on."""
    if taken_in.usable(folder, "train")[language_pair]:
        return
    row: Counter[str] = Counter()
    for (pair, _, outcome), number in counts.items():
        row[outcome] += number if pair == language_pair else 0
    held_out = taken_in.usable(folder, "dev")[language_pair]
    if not held_out:
        raise InputError(f"{language_pair}: no pair is left of {_because(row)}")
    raise InputError(
        f"{language_pair}: no training pair is left of {_because(row, f'held out {held_out:,}')}; "
        "train on other files than those of dev.corpora, or lower dev.fraction"
    )


def check_rows_left(config: PrepareConfig, rows: Mapping[Split, int], counts: Counts) -> None:
    """InputError if a split that was asked for is empty."""
    outcomes: Counter[str] = Counter()
    for (_, _, outcome), number in counts.items():
        outcomes[outcome] += number
    held_out = bool(config.dev.corpora or config.dev.fraction)
    for split, number in rows.items():
        if not number and (split == "train" or held_out):
            raise InputError(f"no {split} pair is left of {_because(outcomes)}")


def _because(outcomes: Counter[str], *more: str) -> str:
    reasons = [f"{k} {n:,}" for k, n in outcomes.most_common() if k != "in" and n]
    told = ", ".join([*reasons, *more]) or "the files are empty"
    return f"{outcomes['in']:,} lines: {told}"


def settings_and_content(
    config: PrepareConfig, inputs: Sequence[Input], hashes: Mapping[str, str]
) -> dict[str, Any]:
    """What decides a prepared corpus: the settings, with the hash of each file for its path.

    `hashes` has those of the files, of evaluation files and of what finds spans and links words,
    by their paths.
    Corpora go by name and file, so that their order makes no difference, nor whether files of
    different names were named one by one.
    """
    tree = {k: v for k, v in to_tree(config).items() if k not in ("output", *_NO_TRACE)}
    for name, key in (("spacy", "model"), ("token_classification", "model"), ("gazetteer", "path")):
        if settings := tree["spans"][name]:
            settings[key] = hashes.get(settings[key], settings[key])  # a name on the hub stays
    if neural := tree["alignment"]["neural"]:
        neural["model"] = hashes.get(neural["model"], neural["model"])
    excluded = evaluation_files(config.cleaning.decontaminate.files)
    tree["cleaning"]["decontaminate"]["files"] = {f.name: hashes.get(f.path) for f in excluded}

    def by_name(is_dev: bool) -> dict[str, Any]:
        named: dict[str, Any] = {}
        for entry in (entry for entry in inputs if entry.is_dev == is_dev):
            files = entry.files
            of_paths = {key: hashes.get(getattr(files, key)) for key in ("path", "target_path")}
            named[f"{files.name}/{entry.name}"] = {**to_tree(files), **of_paths}
        return named

    tree["corpora"] = by_name(is_dev=False)
    tree["dev"]["corpora"] = by_name(is_dev=True)
    return tree


def remembered(config: PrepareConfig) -> dict[str, Any]:
    """What a prepared corpus keeps of the configuration that made it."""
    kept: dict[str, Any] = masked_tree(
        {k: v for k, v in to_tree(config).items() if k not in _NO_TRACE}
    )
    return kept


def existing(output: Path, made_of: dict[str, Any]) -> Manifest:
    """The corpus that stands there already, if it is the one that was asked for.

    Raises InputError if it is another, or cannot tell as its card is missing or damaged.
    """
    manifest = read_manifest(output)
    different = differences(read_card(output)["made_of"], made_of)
    if different:
        raise InputError(
            f"{output}: another corpus is there already; choose another output, or remove it. "
            "It differs in\n  " + "\n  ".join(different)
        )
    print(f"{output}: already prepared from the same files with the same settings", file=sys.stderr)
    return manifest
