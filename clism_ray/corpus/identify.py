"""Whether a text is in its language, by py3langid, whose model of 140 languages is in its package.

A sentence of five words says little about which of 140 languages it is in. What stands in place
of a translation is mostly the other side's language or one that much of the web is written in, so
these are what a text's own language is weighed against. Two words may be a name, and say nothing.
"""

import copy
from functools import cache, lru_cache
from typing import Protocol, cast

from clism_ray.corpus.markup import prose

LEAST_BYTES = 16  # of a text in UTF-8 that is judged: three words, or six Chinese characters
FREQUENT = frozenset(
    "ar bg bn cs da de el en es fa fi fr he hi hu id it ja ko nl pl pt ro ru sv ta te th tr uk vi "
    "zh".split()
)
_OTHER_NAMES = {"nb": "no"}  # of the model


class _Identifier(Protocol):
    @property
    def labels(self) -> list[str]: ...

    def rank(self, text: str) -> list[tuple[str, float]]: ...

    def set_languages(self, langs: set[str]) -> None: ...


def is_other_language(
    text: str, language: str, languages: tuple[str, str], min_probability: float
) -> bool:
    """Whether a text is so surely in another language that its own has less than a probability.

    `languages` are those of the pair. Markup is not judged, nor is a text whose language the
    model does not know.
    """
    own, text = _label(language), prose(text)
    if own not in _known() or len(text.encode()) < LEAST_BYTES:
        return False
    identifier = _identifier(frozenset(_label(each) for each in languages))
    return dict(identifier.rank(text))[own] < min_probability


def _label(language: str) -> str:
    code = language.partition("-")[0]
    return _OTHER_NAMES.get(code, code)


@lru_cache(maxsize=4)
def _identifier(languages: frozenset[str]) -> _Identifier:
    """Of these languages, as far as the model knows them, and the frequent ones."""
    identifier = copy.copy(_model())
    identifier.set_languages(set((languages | FREQUENT) & _known()))
    return identifier


@cache
def _known() -> frozenset[str]:
    return frozenset(_model().labels)


@cache
def _model() -> _Identifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # here: only some runs need it

    return cast(_Identifier, LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True))
