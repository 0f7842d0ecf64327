"""Links and projected spans against gold links."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.config_alignment import GoldFiles, SpanScoring, SyntheticGold
from clism_ray.corpus import alignment_scores as scores
from clism_ray.corpus.alignment_counts import count
from clism_ray.corpus.gold import GoldPair, read_gold, synthetic_gold
from clism_ray.corpus.tables import fit, open_tables
from clism_ray.errors import InputError

SYNTHETIC = SyntheticGold(languages=("de",), pairs=40, training_pairs=60)


def pair(source: str, target: str, sure: str, possible: str = "") -> GoldPair:
    def offsets(text: str) -> list[tuple[int, int]]:
        starts = [n for n in range(len(text)) if text[n] != " " and (n == 0 or text[n - 1] == " ")]
        return [(start, start + len(text[start:].split(" ")[0])) for start in starts]

    def links(text: str) -> frozenset[tuple[int, int]]:
        return frozenset((int(link[0]), int(link[2])) for link in text.split())

    both = links(sure) | links(possible)
    return GoldPair(source, target, offsets(source), offsets(target), links(sure), both)


MR = pair("Mr. Speaker , the bill", "monsieur le Président , le bill", "0-0 2-3 3-4 4-5", "1-1 1-2")


@pytest.mark.parametrize(
    ("tokens", "answer"),
    [
        ((4, 5), "bill"),
        ((3, 5), "le bill"),
        ((2, 5), ", le bill"),
        ((0, 1), "monsieur"),
        ((0, 2), "open"),  # where "Speaker" goes is not sure
        ((1, 2), "none"),
    ],
)
def test_a_gold_counterpart_is_what_sure_links_decide(tokens: tuple[int, int], answer: str) -> None:
    found = scores.counterpart(MR, *tokens)
    assert (found if isinstance(found, str) else MR.target[slice(*found)]) == answer


def test_a_counterpart_with_a_gap_of_another_is_not_contiguous() -> None:
    crossed = pair("a b c", "x y z", "0-0 1-1 0-2 2-2")
    assert scores.counterpart(crossed, 0, 1) == "not_contiguous"
    assert scores.counterpart(crossed, 0, 3) == (0, 5)


def test_link_scores_are_those_of_och_and_ney() -> None:
    counts = np.array(scores.count_links({(0, 0), (1, 2), (4, 4)}, MR), float)
    assert counts.tolist() == [3, 4, 1, 2]
    assert scores.link_precision(counts) == pytest.approx(2 / 3)
    assert scores.link_recall(counts) == pytest.approx(1 / 4)
    assert scores.alignment_error_rate(counts) == pytest.approx(1 - 3 / 7)
    assert scores.alignment_error_rate(np.array(scores.count_links(MR.sure, MR), float)) == 0


def test_span_scores_leave_undecided_spans_to_a_measure_of_their_own() -> None:
    counts = scores.count_spans(
        [(0, 1), (0, 2), None, (5, 6), None], [(0, 1), (0, 3), (4, 5), "open", "none"]
    )
    sums = np.array(counts, float)
    assert counts == [2, 3, 1, 1]
    assert scores.span_precision(sums) == 1 / 2
    assert scores.span_recall(sums) == 1 / 3
    assert scores.span_f1(sums) == pytest.approx(2 / 5)
    assert scores.shown_right(sums) == 1 / 3
    assert scores.span_precision(np.zeros(4)) == 0


def test_words_and_tokens_of_different_cut_are_matched_by_characters() -> None:
    tokens = [(0, 2), (3, 9)]
    words = [(0, 1), (1, 2), (3, 9), (9, 10)]
    places = scores.tokens_of_words(tokens, words)
    assert places == [0, 0, 1, None]
    assert scores.whole_tokens(0, 2, places) == (0, 1)
    assert scores.whole_tokens(0, 3, places) == (0, 2)
    assert scores.whole_tokens(1, 3, places) is None
    assert scores.whole_tokens(0, 1, places) is None
    assert scores.whole_tokens(2, 4, places) is None


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.data())
def test_every_word_of_a_token_is_found_in_it(sizes: list[int], data: st.DataObject) -> None:
    tokens, words, at = [], [], 0
    for place, size in enumerate(sizes):
        cut = data.draw(st.integers(1, size))
        tokens.append((at, at + size))
        words += [(place, (at, at + cut))] + [(place, (at + cut, at + size))] * (cut < size)
        at += size + data.draw(st.integers(0, 1))
    found = scores.tokens_of_words(tokens, [word for _, word in words])
    assert found == [place for place, _ in words]


@pytest.mark.parametrize("language", ["de", "zh"])
def test_true_spans_of_synthetic_text_are_what_its_links_say(language: str) -> None:
    scored, others = synthetic_gold(SYNTHETIC, language)
    assert (len(scored), len(others)) == (40, 60)
    assert not {pair.source + pair.target for pair in scored} & {
        pair.source + pair.target for pair in others
    }
    for gold in scored:
        for start, end in gold.spans or ():
            tokens = [n for n, (a, b) in enumerate(gold.source_tokens) if start <= a and b <= end]
            found = scores.counterpart(gold, tokens[0], tokens[-1] + 1)
            assert not isinstance(found, str)


def test_preparation_is_counted_on_every_pair(tmp_path: Path) -> None:
    scored, others = synthetic_gold(SYNTHETIC, "de")
    fit([(gold.source, gold.target) for gold in scored + others], tmp_path / "t", iterations=3)
    counts = count(open_tables(tmp_path / "t"), scored, SpanScoring(min_scores=(0.0, 0.9)))
    assert len(counts.links) == len(counts.ngrams) == len(scored)
    low, high = (np.array(per_pair, float).sum(0) for per_pair in counts.names)
    assert scores.span_precision(low) > 0.95
    assert high[0] < low[0] <= low[1] == high[1] == sum(len(gold.spans or ()) for gold in scored)
    assert scores.alignment_error_rate(np.array(counts.links, float).sum(0)) < 0.5


def wpt(folder: Path, text: str, links: str) -> GoldFiles:
    (folder / "text").write_text(text, encoding="utf-8")
    (folder / "links").write_text(links, encoding="utf-8")
    return GoldFiles(
        name="g", format="wpt", path=str(folder / "text"), links_path=str(folder / "links")
    )


def test_links_of_wpt_files_are_sure_or_possible(tmp_path: Path) -> None:
    (gold,) = read_gold(wpt(tmp_path, "the house   ||| la maison  \n", "1-1 2-2 1p2 2p9\n"))
    assert (gold.source, gold.target) == ("the house", "la maison")
    assert gold.target_tokens == [(0, 2), (3, 9)]
    assert (gold.sure, gold.possible) == ({(0, 0), (1, 1)}, {(0, 0), (1, 1), (0, 1)})
    assert gold.stray_links == 1  # there is no ninth token


def test_lines_end_at_line_feeds_and_nowhere_else(tmp_path: Path) -> None:
    text = "\ufeffthe\u2028house ||| la\x85maison\r\na ||| b\r\n"
    first, second = read_gold(wpt(tmp_path, text, "1-1\r\n1-1\r\n"))
    assert (first.source, second.source) == ("the house", "a")
    assert first.target == "la maison"


def test_links_of_json_lines_are_sure(tmp_path: Path) -> None:
    row = {"source": ["the", "house"], "target": ["ghar"], "links": [[1, 0]]}
    path = tmp_path / "gold.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(row).encode()))
    (gold,) = read_gold(GoldFiles(name="g", format="jsonl", path=str(path)))
    assert gold.sure == gold.possible == {(1, 0)}


@pytest.mark.parametrize(
    ("text", "links", "complaint"),
    [
        ("a ||| b\n", "", "0 lines of links for the 1 sentence pairs"),
        ("a\n", "1-1\n", "line 1: expected `source"),
        ("a ||| b\n", "1:1\n", "line 1: '1:1' is no link"),
        ("a ||| b\na ||| \n", "1-1\n\n", "text, line 2: expected tokens .* target has none"),
        ("", "", "no sentence pairs"),
    ],
)
def test_files_that_are_no_wpt_are_refused(
    tmp_path: Path, text: str, links: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        read_gold(wpt(tmp_path, text, links))


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"source": [], "target": []}',
        '{"links": [[1]]}',
        '{"source": [], "target": ["Haus"], "links": []}',
        '{"source": ["house"], "target": [" ", ""], "links": []}',
        '{"source": ["a", "house"], "target": "ein Haus", "links": [[0, 0]]}',
    ],
)
def test_a_line_that_is_no_gold_pair_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "gold.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=r"gold.jsonl, line 1: expected"):
        read_gold(GoldFiles(name="g", format="jsonl", path=str(tmp_path / "gold.jsonl")))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl.gz"
    content = bytearray(gzip.compress(b'{"source": ["a"], "target": ["b"], "links": []}\n' * 999))
    content[20:24] = b"????"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"gold\.jsonl\.gz: cannot be read after line \d+"):
        read_gold(GoldFiles(name="g", format="jsonl", path=str(path)))


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_gold(GoldFiles(name="g", format="jsonl", path="/nowhere"))
