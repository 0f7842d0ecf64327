"""How many answers to names are cut short, or run over, where a script writes no spaces.

    python benchmarks/cut_short.py CORPUS ...

Of names with several answers the commonest is taken for right. An answer that is a part of it is
cut short if all of it stands there; one that holds it and more may have run over, or be longer
for good reason ("沙特阿拉伯" for "沙特").
"""

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import exit_code
from clism_ray.corpus.manifest import read_manifest, windows
from clism_ray.corpus.rows import read_rows
from clism_ray.corpus.words import is_unspaced

SEEN = 8  # times, names that are judged


class Answer(NamedTuple):
    """An answer, and where it stands."""

    text: str
    target: str
    start: int
    end: int


def main() -> None:
    """Judge the answers of each corpus."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpora", type=Path, metavar="CORPUS", nargs="+")
    for corpus in parser.parse_args().corpora:
        kinds: Counter[str] = Counter()
        for answers in by_name(corpus).values():
            usual = Counter(answer.text for answer in answers).most_common(1)[0][0]
            if len(answers) >= SEEN and is_unspaced(usual[0]):
                kinds.update(kind(answer, usual) for answer in answers)
        print(f"{corpus}: {kinds.total():,} answers judged", end="")
        for name, number in sorted(kinds.items()):
            print(f"; {name} {number:,} ({number / kinds.total():.1%})", end="")
        print()


def by_name(corpus: Path) -> dict[str, list[Answer]]:
    """The answers to each name of the training rows."""
    found = defaultdict(list)
    for window in windows(read_manifest(corpus).train):
        for pair in read_rows(corpus, window, range(window.rows)):
            for span in pair.spans:
                if span.label == "name":
                    start, end = span.target_start, span.target_end
                    answer = Answer(pair.target[start:end], pair.target, start, end)
                    found[pair.source[span.source_start : span.source_end]].append(answer)
    return found


def kind(answer: Answer, usual: str) -> str:
    """What an answer is beside the usual one of its name."""
    if answer.text == usual:
        return "usual"
    if answer.text in usual:
        places = range(max(0, answer.end - len(usual)), answer.start + 1)
        is_there = any(answer.target.startswith(usual, place) for place in places)
        return "cut short" if is_there else "shorter"
    return "longer" if usual in answer.text else "other"


if __name__ == "__main__":
    sys.exit(exit_code(main))
