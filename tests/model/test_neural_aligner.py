"""An encoder from a folder as a word aligner."""

import dataclasses
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast, T5Config

from clism_ray.config_alignment import GoldFiles, ScoreAlignersConfig, SyntheticGold
from clism_ray.config_corpus import NeuralConfig
from clism_ray.corpus.linkers import load_encoder
from clism_ray.corpus.sides import side
from clism_ray.corpus.translations import Link
from clism_ray.corpus.vocabulary import Vocabulary
from clism_ray.corpus.words import words
from clism_ray.errors import InputError
from clism_ray.masking.tokenizer import save_tokenizer
from clism_ray.report.alignment import score_aligners
from clism_ray.report.alignment_table import to_markdown
from clism_ray.tasks.neural_aligner import NeuralAligner, default_layer, load_aligner
from tests.encoders import LAYERS, POSITIONS, write_encoder


@pytest.fixture(scope="module")
def folder(tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("encoders") / "small"
    write_encoder(place, tokenizer)
    return place


@pytest.fixture(scope="module")
def pairs(synthetic_texts: list[str]) -> list[tuple[str, str]]:
    """Pairs of all scripts, and two that try a tokenizer."""
    texts = [*synthetic_texts[:40], "Anna  met\u00a0U.S. troops!", "北京 [QUE] Oslo", "7", " Oslo"]
    return list(zip(texts[::2], texts[1::2], strict=True))


def aligner(folder: Path, **settings: int) -> NeuralAligner:
    return load_aligner(NeuralConfig(model=str(folder), **settings), "cpu")


def linked(model: NeuralAligner, pairs: list[tuple[str, str]]) -> list[dict[Link, float] | None]:
    """The links of each pair; None for one that it cannot read."""
    source, target = side([pair[0] for pair in pairs]), side([pair[1] for pair in pairs])
    features = Vocabulary().features(source.words_W, target.words_W)
    links = model.links(source, target, features, np.arange(len(pairs)))
    found = links.by_pair(source, target)
    return [None if n in links.unread else of_pair for n, of_pair in enumerate(found)]


@pytest.mark.parametrize("layer", range(1, LAYERS + 1))
def test_a_copied_text_is_linked_word_by_word(folder: Path, layer: int) -> None:
    text = "Anna met seven people in the old city of Oslo ."
    (found,) = linked(aligner(folder, layer=layer), [(text, text)])
    assert found is not None
    for place in range(len(words(text))):
        of_word = {link: trust for link, trust in found.items() if place in link}
        assert max(of_word, key=of_word.__getitem__) == (place, place)


@pytest.mark.parametrize("layer", [None, 0, LAYERS])
def test_links_are_those_of_a_plain_reading_of_the_formula(
    folder: Path, pairs: list[tuple[str, str]], layer: int | None
) -> None:
    """Against transformers' own forward, a sentence at a time, and sums written out."""
    settings = NeuralConfig(model=str(folder), layer=layer, batch=5, threshold=0.02)
    found = linked(load_aligner(settings, "cpu"), pairs)
    at = 2 if layer is None else layer
    sure_links = 0
    for (source, target), links in zip(pairs, found, strict=True):
        wanted = plainly(folder, at, source, target, settings.threshold)
        assert links is not None
        borderline = {link for link, (_, least) in wanted.items() if abs(least - 0.02) < 1e-5}
        sure = {link for link, (trust, _) in wanted.items() if trust > 0} - borderline
        assert set(links) - borderline == sure
        assert all(links[link] == pytest.approx(wanted[link][0], abs=1e-3) for link in sure)
        sure_links += len(sure)
    assert sure_links > 5 * len(pairs)


def plainly(
    folder: Path, layer: int, source: str, target: str, threshold: float
) -> dict[tuple[int, int], tuple[float, float]]:
    """Of each two words the trust, and the probability that decided."""
    tokenizer, encoder = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    encoder.eval()
    states: list[list[tuple[set[int], list[float]]]] = []
    for text in (source, target):
        encoded = tokenizer(text, return_offsets_mapping=True, return_tensors="pt")
        places = encoded.pop("offset_mapping")[0].tolist()
        with torch.no_grad():
            of_layer = encoder(**encoded, output_hidden_states=True).hidden_states[layer][0]
        parts = [
            ({n for n, (a, b) in enumerate(words(text)) if a < end and begin < b}, state)
            for (begin, end), state in zip(places, of_layer.tolist(), strict=True)
        ]
        states.append([(inside, state) for inside, state in parts if inside])
    scores = [
        [sum(a * b for a, b in zip(s, t, strict=True)) for _, t in states[1]] for _, s in states[0]
    ]
    rows = [sum(map(math.exp, row)) for row in scores]
    columns = [sum(map(math.exp, column)) for column in zip(*scores, strict=True)]
    found: dict[tuple[int, int], tuple[float, float]] = {}
    for s, (from_words, _) in enumerate(states[0]):
        for t, (to_words, _) in enumerate(states[1]):
            there, back = (math.exp(scores[s][t]) / total for total in (rows[s], columns[t]))
            least = min(there, back)
            trust = math.sqrt(there * back) if least > threshold else 0.0
            for link in ((i, j) for i in from_words for j in to_words):
                found[link] = max(found.get(link, (0.0, 0.0)), (trust, least))
    return found


def test_swapped_sides_give_swapped_links(folder: Path, pairs: list[tuple[str, str]]) -> None:
    model = aligner(folder)
    there, back = linked(model, pairs), linked(model, [pair[::-1] for pair in pairs])
    for links, swapped in zip(there, back, strict=True):
        assert links is not None
        assert swapped is not None
        assert {(j, i) for i, j in links} == set(swapped)


def test_neither_the_order_nor_the_size_of_batches_matters(
    folder: Path, pairs: list[tuple[str, str]]
) -> None:
    forth = linked(aligner(folder, batch=3), pairs)
    back = linked(aligner(folder, batch=64), pairs[::-1])[::-1]
    for links, others in zip(forth, back, strict=True):
        assert links == pytest.approx(others, abs=1e-3)
    assert linked(aligner(folder), []) == []


def test_of_a_sentence_that_is_too_long_nothing_is_said_and_nothing_is_cut(
    folder: Path, tmp_path: Path
) -> None:
    """Tokenizers may bring a length at which they cut."""
    shutil.copytree(folder, tmp_path / "m")
    tokens = tmp_path / "m" / "tokenizer.json"
    cutting = {"max_length": 12, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    tokens.write_text(json.dumps({**json.loads(tokens.read_text()), "truncation": cutting}))
    model = aligner(tmp_path / "m")
    assert model.max_tokens == POSITIONS - model.tokenizer.pad_token_id - 1
    short, middle, long = "in Oslo .", " ".join(["Oslo"] * 20), " ".join(["Oslo"] * 200)
    found = linked(model, [(short, long), (middle, middle), (long, short), (short, short)])
    assert found[0] is None
    assert found[2] is None
    assert found[1] is not None
    assert max(i for i, _ in found[1]) == 19
    assert found[3]


def test_the_default_layer_is_two_thirds_up_and_never_the_embeddings(folder: Path) -> None:
    assert [default_layer(layers) for layers in (1, 2, 3, 4, 6, 12, 24)] == [1, 1, 2, 3, 4, 8, 16]
    assert aligner(folder).layer == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"layer": LAYERS + 1}, r"layer is 4, but .* has 3 layers; give one from 0, .* layer 2"),
        ({"model": "/none/there"}, "'/none/there' cannot be loaded"),
        ({"model": "t5"}, "is a T5; expected an encoder of some layers"),
        ({"model": "pickled"}, "cannot be loaded .*safetensors"),
    ],
)
def test_an_encoder_that_cannot_link_is_one_clear_error(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str | int],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    small = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
    save_tokenizer(tokenizer, Path("t5"))
    AutoModel.from_config(T5Config(vocab_size=len(tokenizer), **small)).save_pretrained("t5")
    shutil.copytree(folder, "pickled")
    Path("pickled/model.safetensors").rename("pickled/pytorch_model.bin")
    settings = dataclasses.replace(NeuralConfig(model=str(folder)), **change)
    with pytest.raises(InputError, match=rf"alignment\.neural.*{complaint}"):
        load_aligner(settings, "cpu")


def test_an_encoder_is_scored_beside_the_default(folder: Path, tmp_path: Path) -> None:
    rows = [
        {"source": words.split(), "target": words.split(), "links": [[n, n] for n in range(count)]}
        for words, count in (("we saw Oslo .", 4), (" ".join(["Oslo"] * 200), 200))
    ]
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    config = ScoreAlignersConfig(
        output=str(tmp_path / "out"),
        methods=("systran", "neural"),
        neural=NeuralConfig(model=str(folder)),
        device="cpu",
        gold=(GoldFiles(name="copies", format="jsonl", path=str(gold)),),
        synthetic=SyntheticGold(languages=("de",), pairs=20, training_pairs=20),
        cost_pairs=30,
        resamples=50,
    )
    by_table, by_encoder, *synthetic = score_aligners(config, load_encoder)
    assert (by_table.unread, by_encoder.unread) == (0, 1)
    assert by_encoder.estimates["link_recall"].value < 5 / 204
    assert [row.method for row in synthetic] == ["systran", "neural"]
    assert synthetic[1].estimates["names_f1"].value > 0.3  # equal words link themselves
    assert all(row.link.pairs == 30 and row.link.cpu_seconds > 0 for row in synthetic)
    assert synthetic[1].fit.cpu_seconds < synthetic[0].fit.cpu_seconds
    assert "| copies | neural | 2, 1 too long |" in to_markdown([by_encoder], 0.95)
