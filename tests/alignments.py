"""Alignments by hand."""

from collections.abc import Collection, Mapping, Sequence

from clism_ray.corpus.align import Alignment
from clism_ray.corpus.lexicon import Lexicon
from clism_ray.corpus.links import links_of
from clism_ray.corpus.sides import Side
from clism_ray.corpus.translations import Link
from clism_ray.corpus.vocabulary import Vocabulary


def alignment(
    source: Side,
    target: Side,
    trust: Sequence[Mapping[Link, float]],
    function_words: tuple[Collection[str], Collection[str]] = ((), ()),
    translations: Mapping[str, Mapping[str, float]] | None = None,
) -> Alignment:
    """Pairs with these links; without translations, every word is known."""
    lexicon = Lexicon(translations or {})
    vocabulary = Vocabulary(function_words, None if translations is None else lexicon)
    features = vocabulary.features(source.words_W, target.words_W)
    return Alignment(links_of(trust, source, target), *features, lexicon)
