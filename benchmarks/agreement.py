"""How far the answers of prepared corpora agree: the same text, linked in other ways.

    python benchmarks/agreement.py FIRST OTHER ...

For each other corpus: its rows and spans, how many of the first's spans it answers too, and of
those the share with the very same characters, by label.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import exit_code
from clism_ray.corpus.manifest import read_manifest, windows
from clism_ray.corpus.rows import read_rows

Span: TypeAlias = tuple[str, str, int, int]  # source text, target text, places in the source
Answers: TypeAlias = dict[Span, tuple[str, int, int]]  # label and places in the target


def main() -> None:
    """Compare the first corpus with each of the others."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("first", type=Path, metavar="FIRST")
    parser.add_argument("others", type=Path, metavar="OTHER", nargs="+")
    given = parser.parse_args()
    known, rows = answers(given.first)
    print(f"{given.first}: {rows:,} rows, {len(known):,} spans")
    for other in given.others:
        found, rows = answers(other)
        both: Counter[str] = Counter()
        same: Counter[str] = Counter()
        for span, answer in found.items():
            if span in known:
                both[answer[0]] += 1
                same[answer[0]] += known[span] == answer
        print(f"{other}: {rows:,} rows, {len(found):,} spans", end="")
        for label in sorted(both):
            share = same[label] / both[label]
            print(f"; {label} in both {both[label]:,}, the same answer {share:.1%}", end="")
        print()


def answers(corpus: Path) -> tuple[Answers, int]:
    """The answer to each span of a corpus, and its number of rows."""
    manifest, found, rows = read_manifest(corpus), Answers(), 0
    for window in windows((*manifest.train, *manifest.dev)):
        for pair in read_rows(corpus, window, range(window.rows)):
            rows += 1
            for span in pair.spans:
                place = pair.source, pair.target, span.source_start, span.source_end
                found[place] = span.label, span.target_start, span.target_end
    return found, rows


if __name__ == "__main__":
    sys.exit(exit_code(main))
