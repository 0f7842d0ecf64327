"""One sentence pair from a line of text to its losses, in the order of the README's walk.

    In 1987 Anna Berger moved to Cologne.   <->   1987 zog Anna Berger nach Köln.

Each test takes the pair one stage further and shows what it is there.
"""

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from clism_ray.config import MaskingConfig, ModelConfig, ScratchConfig, TokenizerConfig
from clism_ray.config_corpus import CleaningConfig, CorpusFiles, SpanConfig
from clism_ray.config_losses import LossConfig
from clism_ray.corpus.align import Alignment
from clism_ray.corpus.anchors import anchors
from clism_ray.corpus.capitals import Casing
from clism_ray.corpus.clean import drop_reason, normalise
from clism_ray.corpus.lexicon import Lexicon
from clism_ray.corpus.links import links_of
from clism_ray.corpus.project import project
from clism_ray.corpus.read import read_pairs
from clism_ray.corpus.sides import side
from clism_ray.corpus.spans import Known, finder
from clism_ray.corpus.vocabulary import Vocabulary
from clism_ray.corpus.words import surfaces
from clism_ray.masking.collate import make_batch
from clism_ray.masking.examples import make_examples, vocabulary
from clism_ray.masking.tokenizer import train_tokenizer
from clism_ray.model.pretrainer import build_model
from clism_ray.records import AlignedPair, Batch, Example, SentencePair, SpanPair
from clism_ray.train.step import counts_of, mean_losses, to_tensors, total_loss

SOURCE = "In 1987 Anna Berger moved to Cologne."
TARGET = "1987 zog Anna Berger nach Köln."
LIMITS = TokenizerConfig()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> SentencePair:
    """1. A line of a file is read."""
    path = tmp_path_factory.mktemp("text") / "news.tsv"
    path.write_text(f"In 1987  Anna\u200b Berger moved to Cologne.\t{TARGET}\n", encoding="utf-8")
    files = CorpusFiles(
        name="news", format="tsv", path=str(path), source_language="en", target_language="de"
    )
    (read,) = read_pairs(files)
    assert isinstance(read, SentencePair)
    return read


@pytest.fixture(scope="module")
def aligned(pair: SentencePair) -> AlignedPair:
    """2 to 4. It is cleaned; its words are linked; its spans are found and projected."""
    source, target = normalise(pair.source), normalise(pair.target)
    sides = side([source]), side([target])
    nothing_known = Known(Casing(frozenset(), frozenset()), {}, 0)
    spans = finder(SpanConfig(), "en")([source], sides[0].offsets(), nothing_known)
    features = Vocabulary().features(sides[0].words_W, sides[1].words_W)
    # The same words on both sides link themselves; the tables would know the other three.
    links = anchors(*sides, *features).and_others(
        links_of([dict.fromkeys([(4, 1), (5, 4), (6, 5)], 1.0)], *sides)
    )
    alignment = Alignment(links, *features, Lexicon({}))
    (projected,) = project(spans, *sides, alignment, max_words=10)
    return AlignedPair(
        row_id=7,
        origin=pair.origin,
        source_language=pair.source_language,
        target_language=pair.target_language,
        source=source,
        target=target,
        spans=tuple(span for span in projected if isinstance(span, SpanPair)),
    )


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer([SOURCE, TARGET], 100)


@pytest.fixture(scope="module")
def example(aligned: AlignedPair, tokenizer: PreTrainedTokenizerFast) -> Example:
    """7. It is tokenised and masked."""
    masking = MaskingConfig(mlm_probability=0.3)
    (made,) = make_examples([aligned], vocabulary(tokenizer), LIMITS, masking, seed=13, epoch=0)
    assert isinstance(made, Example)
    return made


@pytest.fixture(scope="module")
def batch(example: Example) -> Batch:
    """8. It is laid out in a micro-batch, here alone."""
    return make_batch([7], [example], ["en-de"])


def test_1_a_line_becomes_a_sentence_pair_with_its_origin(pair: SentencePair) -> None:
    assert pair.origin == ("news", "news.tsv", 1)
    assert (pair.source_language, pair.target_language) == ("en", "de")


def test_2_the_pair_is_normalised_and_usable(pair: SentencePair) -> None:
    assert (normalise(pair.source), normalise(pair.target)) == (SOURCE, TARGET)
    assert drop_reason(SOURCE, TARGET, ("en", "de"), CleaningConfig()) is None
    assert drop_reason(SOURCE, SOURCE, ("en", "de"), CleaningConfig()) == "identical"


def test_3_its_words_are_found_and_names_and_numbers_link_themselves() -> None:
    assert surfaces(SOURCE) == ["In", "1987", "Anna", "Berger", "moved", "to", "Cologne", "."]
    assert surfaces(TARGET) == ["1987", "zog", "Anna", "Berger", "nach", "Köln", "."]
    sides = side([SOURCE]), side([TARGET])
    features = Vocabulary().features(sides[0].words_W, sides[1].words_W)
    (links,) = anchors(*sides, *features).by_pair(*sides)
    assert set(links) == {(1, 0), (2, 2), (3, 3)}


def test_4_names_and_numbers_have_counterparts(aligned: AlignedPair) -> None:
    asked = [SOURCE[span.source_start : span.source_end] for span in aligned.spans]
    answers = [TARGET[span.target_start : span.target_end] for span in aligned.spans]
    assert asked == ["1987", "Anna Berger", "Cologne"]
    assert answers == ["1987", "Anna Berger", "Köln"]


def test_7_spans_become_que_and_answers_become_tokens(
    example: Example, tokenizer: PreTrainedTokenizerFast
) -> None:
    ids = np.array(example.joint_ids)
    ids[list(example.mlm_positions)] = example.mlm_labels
    masked_source = tokenizer.decode(ids[slice(*example.masked_source)])
    assert "".join(masked_source.split()) == "In[QUE][QUE]movedto[QUE]."
    assert tokenizer.decode(ids[slice(*example.target)]).strip() == TARGET
    answers = [tokenizer.decode(ids[a : b + 1]).strip() for a, b in example.answers]
    assert answers == ["1987", "Anna Berger", "Köln"]
    assert example.mlm_positions
    assert set(example.mlm_positions).isdisjoint(example.questions)
    assert tokenizer.decode(example.plain_ids[1:-1]).strip() == SOURCE


def test_8_both_sequences_lie_end_to_end(example: Example, batch: Batch) -> None:
    assert batch.ids_T.tolist() == [*example.joint_ids, *example.plain_ids]
    assert batch.offsets_N1.tolist() == [0, len(example.joint_ids), len(batch.ids_T)]
    assert batch.row_id_B.tolist() == [7]


def test_9_and_10_the_model_gives_sums_and_the_step_divides_them(
    batch: Batch, tokenizer: PreTrainedTokenizerFast
) -> None:
    model = build_model(
        ModelConfig(scratch=ScratchConfig(layers=1, hidden=16, heads=2, intermediate=16)),
        LIMITS,
        tokenizer,
        temperature=0.05,
        language_pairs=1,
        precision="fp32",
        seed=13,
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    counts = counts_of([batch])
    assert counts.tolist() == [3, 1, len(batch.label_M), len(batch.ids_T)]
    seen = []
    for _ in range(60):
        sums = model(to_tensors(batch, torch.device("cpu")), batch.offsets_N1.tolist())
        loss = total_loss(mean_losses(sums, counts), LossConfig())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append((float(loss.detach()), int(sums["exact_L"])))
    assert seen[-1][0] < 0.2 * seen[0][0]
    assert seen[-1][1] == 3  # it has learnt to point at all three answers
