"""How the tasks of a preparation open their finders, models included, and what those consist of."""

import dataclasses
import hashlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from clism_ray.config_corpus import PrepareConfig, TokenClassificationConfig
from clism_ray.corpus import models
from clism_ray.corpus.spans import Finder, Tagger, finder
from clism_ray.corpus.storage import find, folder_content, from_root, sha256


def open_finder(config: PrepareConfig, language: str) -> Finder:
    """The finder of a configuration for sources in one language; its models stay in the process."""

    def load(model: TokenClassificationConfig) -> Tagger:
        from clism_ray.tasks.token_classifier import load_tagger  # here: it loads PyTorch

        return load_tagger(model, models.device(config))

    return finder(config.spans, language, load)


def checked(config: PrepareConfig, languages: Iterable[str]) -> PrepareConfig:
    """The configuration, with a model on the hub at its present commit and its list from the root.

    Opens every finder once, on the CPU, and raises InputError for what cannot be used.
    """
    model = config.spans.token_classification
    if model is not None:
        from clism_ray.tasks.token_classifier import pinned

        spans = dataclasses.replace(config.spans, token_classification=pinned(model))
        config = dataclasses.replace(config, spans=spans)
    gazetteer = config.spans.gazetteer
    if gazetteer is not None:
        gazetteer = dataclasses.replace(gazetteer, path=from_root(gazetteer.path))
        spans = dataclasses.replace(config.spans, gazetteer=gazetteer)
        config = dataclasses.replace(config, spans=spans)
    for language in sorted(set(languages)):
        finder(config.spans, language, _load_for_once)
    return config


def _load_for_once(model: TokenClassificationConfig) -> Tagger:
    from clism_ray.tasks.token_classifier import find_spans, load_classifier

    return partial(find_spans, load_classifier(model, "cpu"))


def hashes(config: PrepareConfig) -> dict[str, str]:
    """The paths of the configuration's lists and model folders, and hashes of what is there."""
    spans = config.spans
    found = {}
    for model in (spans.spacy, spans.token_classification):
        if model is not None and Path(model.model).is_dir():
            found[model.model] = folder_content(Path(model.model))[1]
    if spans.gazetteer is not None:
        lines = "\n".join(sha256(file.path) for file in find(spans.gazetteer.path))
        found[spans.gazetteer.path] = hashlib.sha256(lines.encode()).hexdigest()
    return found
