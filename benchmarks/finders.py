"""Finders of spans: what each costs a sentence, beside the rule for names and numbers.

    python benchmarks/finders.py --tsv en-de.tsv.gz --column 1 --encoder FOLDER

--encoder is a Hugging Face encoder in a folder; it gets a head of random weights for nine tags,
which costs as much as a trained one. --spacy names a pipeline; by default one of spaCy's usual
shape, of random weights too. One thread each, as in a task.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # as Ray sets it for its tasks

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

import spacy
import torch
from meters import cpu_seconds
from prepare import real
from transformers import AutoModelForTokenClassification, AutoTokenizer

from clism_ray.config_corpus import SpacyConfig, SpanConfig, TokenClassificationConfig
from clism_ray.corpus.capitals import cases, casing
from clism_ray.corpus.sides import Side, side
from clism_ray.corpus.spans import Known, finder
from clism_ray.corpus.systran import Systran
from clism_ray.tasks.token_classifier import load_tagger

KINDS = ("PER", "LOC", "ORG", "MISC")
TAGS = ("O", *(f"{part}-{kind}" for kind in KINDS for part in "BI"))
BATCH = Systran.batch  # sentences, as in a task


def main() -> None:
    """Measure each finder on the same sentences."""
    options = arguments()
    lines = real(options.tsv, options.sentences)
    texts = [line.decode().rstrip("\n").split("\t")[options.column] for line in lines]
    sides = [side(texts[n : n + BATCH]) for n in range(0, len(texts), BATCH)]
    batches = [(each.texts, each.offsets()) for each in sides]
    known = known_of(sides)
    first = None
    with tempfile.TemporaryDirectory() as folder:
        for name, config in configs(options, Path(folder)):
            find = finder(config, "en", lambda settings: load_tagger(settings, "cpu"))
            find(*batches[0], known)
            began = cpu_seconds()
            found = [find(*batch, known) for batch in batches]
            each = 1e6 * (cpu_seconds() - began) / len(texts)
            first = first or each
            spans = sum(len(of_text) for of_batch in found for of_text in of_batch)
            told = f"{each:10,.0f} us a sentence, {each / first:7.1f} of the first's;"
            print(f"{name:22}{told} {spans / len(texts):.2f} spans", flush=True)


def configs(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, SpanConfig]]:
    """Each finder by itself."""
    yield "names_and_numbers", SpanConfig()
    yield "ngrams", SpanConfig(finders=("ngrams",))
    pipeline = options.spacy or write_pipeline(folder / "spacy")
    yield "spacy", SpanConfig(finders=("spacy",), spacy=SpacyConfig(model=pipeline))
    if options.encoder:
        model = TokenClassificationConfig(model=write_classifier(options.encoder, folder / "model"))
        finders = ("token_classification",)
        yield finders[0], SpanConfig(finders=finders, token_classification=model)


def write_pipeline(folder: Path) -> str:
    """A spaCy pipeline that recognises names, of the usual shape and of random weights."""
    spacy.util.fix_random_seed(0)
    pipeline = spacy.blank("en")
    recogniser = pipeline.add_pipe("ner")
    for label in KINDS:
        recogniser.add_label(label)  # type: ignore[attr-defined]
    pipeline.initialize()
    pipeline.to_disk(folder)
    return str(folder)


def write_classifier(encoder: Path, folder: Path) -> str:
    """An encoder as a token classifier, with a head of random weights."""
    torch.manual_seed(0)
    model = AutoModelForTokenClassification.from_pretrained(encoder, id2label=dict(enumerate(TAGS)))
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)
    return str(folder)


def known_of(sides: Sequence[Side]) -> Known:
    """What the texts tell of their words."""
    tokens = [words for each in sides for words in each.words()]
    frequency = Counter(word.lower() for words in tokens for word in words)
    observed = Counter(case for words in tokens for case in cases(words))
    return Known(casing(observed), frequency, frequency.total())


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tsv", type=Path, required=True, help="of real text, English among it")
    parser.add_argument("--column", type=int, default=0, help="of the English text; default: 0")
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--encoder", type=Path, metavar="FOLDER")
    parser.add_argument("--spacy", metavar="MODEL")
    return parser.parse_args()


if __name__ == "__main__":
    main()
