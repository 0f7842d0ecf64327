"""The guides speak of files that exist, and the commands in them name real jobs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "Makefile",
    "benchmarks/README.md",
    "cluster/README.md",
    "cluster/SCALING.md",
    "cluster/SECURITY.md",
    "results/README.md",
    "tests/DRILLS.md",
    "tests/cluster/README.md",
]
PATH = re.compile(
    r"(?<![\w/.~-])\.?[a-z_]{2,}(?:/[a-z0-9_.-]+)*(?:/[A-Z_]+\.md|/|\.(?:py|sh|yaml|txt|md|svg))"
    r"(?![\w*-])"
)


def paths_in(text: str) -> set[str]:
    """What looks like a path of this repository or of the package."""
    return set(PATH.findall(text))


def missing(paths: set[str], guide: str = "README.md") -> list[str]:
    bases = ROOT, ROOT / "clism_ray", (ROOT / guide).parent
    return sorted(path for path in paths if not any((base / path).exists() for base in bases))


@pytest.mark.parametrize("guide", GUIDES)
def test_every_path_in_a_guide_exists(guide: str) -> None:
    found = paths_in((ROOT / guide).read_text(encoding="utf-8"))
    assert found
    gone = missing(found, guide)
    assert not gone, f"{guide} names {', '.join(gone)}"


def test_a_path_that_is_gone_is_found() -> None:
    text = (
        "see `corpus/read.py`, `corpus/gone.py`, [drills](tests/GONE.md), `.ci/lost/`, jobs/*, "
        "~/.ray/x and https://a.b/c.py"
    )
    assert missing(paths_in(text)) == [".ci/lost/", "corpus/gone.py", "tests/GONE.md"]
