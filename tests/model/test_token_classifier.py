"""A token classifier from a folder as a finder of spans."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForTokenClassification,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
)

from clism_ray.config_corpus import SpanConfig, TokenClassificationConfig
from clism_ray.corpus.capitals import Casing, Span
from clism_ray.corpus.spans import Known, finder
from clism_ray.corpus.words import Offsets, words
from clism_ray.errors import InputError
from clism_ray.tasks.token_classifier import (
    Classifier,
    find_spans,
    load_classifier,
    load_tagger,
    pinned,
)
from tests.token_classifiers import POSITIONS, TAGS, write_classifier


@pytest.fixture(scope="module")
def folder(tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("classifiers") / "small"
    write_classifier(place, tokenizer)
    return place


@pytest.fixture(scope="module")
def texts(synthetic_texts: list[str]) -> list[str]:
    return [*synthetic_texts[:60], "", "Anna  met\u00a0U.S. troops!", "北京 and Oslo"]


def classifier(folder: Path, **settings: int) -> Classifier:
    return load_classifier(TokenClassificationConfig(model=str(folder), **settings), "cpu")


def offsets_of(texts: list[str]) -> list[list[Offsets]]:
    return [words(text) for text in texts]


def test_a_batch_gives_each_sentence_the_spans_it_has_alone(folder: Path, texts: list[str]) -> None:
    model = classifier(folder, batch=7)
    together = find_spans(model, texts, offsets_of(texts))
    assert sum(map(len, together)) > len(texts)
    assert {span.label for spans in together for span in spans} == {"PER", "LOC"}
    for text, spans in zip(texts, together, strict=True):
        (alone,) = find_spans(model, [text], [words(text)])
        assert [span[:3] for span in alone] == [span[:3] for span in spans]
        for one, other in zip(alone, spans, strict=True):
            assert one.confidence == pytest.approx(other.confidence, abs=1e-3)


def test_the_order_of_sentences_and_the_size_of_batches_do_not_matter(
    folder: Path, texts: list[str]
) -> None:
    offsets = offsets_of(texts)
    forth = find_spans(classifier(folder, batch=5), texts, offsets)
    back = find_spans(classifier(folder, batch=64), texts[::-1], offsets[::-1])[::-1]
    assert [[span[:3] for span in spans] for spans in forth] == [
        [span[:3] for span in spans] for spans in back
    ]


def test_spans_are_runs_of_whole_words_that_have_the_tags_of_their_first_tokens(
    folder: Path, texts: list[str]
) -> None:
    """Against transformers' own forward, a sentence at a time, and tags read by hand."""
    model = classifier(folder)
    plain = AutoModelForTokenClassification.from_pretrained(folder)
    plain.eval()
    short = [text for text in texts if len(model.tokenizer(text)["input_ids"]) <= model.max_tokens]
    assert len(short) > 40
    for text, spans in zip(short, find_spans(model, short, offsets_of(short)), strict=True):
        encoded = model.tokenizer(text, return_offsets_mapping=True, return_tensors="pt")
        places = encoded.pop("offset_mapping")[0].tolist()
        with torch.no_grad():
            likely = plain(**encoded).logits[0].softmax(1).max(1)
        tags = []
        for start, end in words(text):
            token = next(n for n, (a, b) in enumerate(places) if a < end and start < b)
            tags.append((TAGS[int(likely.indices[token])], float(likely.values[token])))
        inside = {place for span in spans for place in range(span.first, span.end)}
        assert inside == {n for n, (tag, _) in enumerate(tags) if tag != "O"}
        for span in spans:
            said = tags[span.first : span.end]
            assert {tag[2:] for tag, _ in said} == {span.label}
            assert not any(tag[0] == "B" for tag, _ in said[1:])
            mean = sum(probability for _, probability in said) / len(said)
            assert span.confidence == pytest.approx(mean, abs=1e-3)
            assert 1 / len(TAGS) <= span.confidence <= 1


def test_a_long_sentence_is_read_to_its_end(folder: Path) -> None:
    text = " ".join(f"Anna met {n} in Oslo ." for n in range(60))
    model = classifier(folder)
    assert len(model.tokenizer(text)["input_ids"]) > 3 * model.max_tokens
    (spans,) = find_spans(model, [text], [words(text)])
    assert spans[-1].end > len(words(text)) - 10
    assert model.max_tokens == POSITIONS - model.tokenizer.pad_token_id - 1  # the model has no more


def test_the_model_is_a_finder_like_the_others(folder: Path) -> None:
    config = SpanConfig(
        finders=("token_classification", "names_and_numbers"),
        token_classification=TokenClassificationConfig(model=str(folder)),
    )
    text = "Anna met seven people in the old city of Oslo in 2009"
    find = finder(config, "en", lambda settings: load_tagger(settings, "cpu"))
    (both,) = find([text], [words(text)], Known(Casing((), ()), {}, 0))
    (alone,) = find_spans(classifier(folder), [text], [words(text)])
    assert {span.label for span in both} & {"name", "number"}
    assert set(both) - set(alone) == {span for span in both if span.label in ("name", "number")}
    assert all(isinstance(span, Span) for span in both)


def test_a_process_holds_one_model(folder: Path) -> None:
    config = TokenClassificationConfig(model=str(folder))
    assert load_tagger(config, "cpu") is load_tagger(config, "cpu")
    assert load_tagger.cache_info().maxsize == 1


def copy(folder: Path, place: Path) -> Path:
    shutil.copytree(folder, place)
    return place


def refusal(place: Path | str, device: str = "cpu") -> str:
    with pytest.raises(InputError) as error:
        load_classifier(TokenClassificationConfig(model=str(place)), device)
    assert "spans.token_classification" in str(error.value) or "device" in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_a_model_without_a_trained_classifier_is_refused(folder: Path, tmp_path: Path) -> None:
    place = copy(folder, tmp_path / "m")
    settings = XLMRobertaConfig.from_pretrained(place)
    AutoModelForMaskedLM.from_config(settings).save_pretrained(place)
    assert "weights are missing, such as classifier." in refusal(place)


def test_labels_without_an_outside_are_refused(folder: Path, tmp_path: Path) -> None:
    place = copy(folder, tmp_path / "m")
    tree = json.loads((place / "config.json").read_text())
    tree["id2label"] = {str(n): f"LABEL_{n}" for n in range(5)}
    tree["label2id"] = {f"LABEL_{n}": n for n in range(5)}
    (place / "config.json").write_text(json.dumps(tree))
    assert "has the labels LABEL_0, LABEL_1, LABEL_2, LABEL_3, LABEL_4; expected one" in refusal(
        place
    )


def test_weights_that_are_no_safetensors_and_code_of_its_own_are_refused(
    folder: Path, tmp_path: Path
) -> None:
    pickled = copy(folder, tmp_path / "pickled")
    weights = AutoModelForTokenClassification.from_pretrained(folder).state_dict()
    torch.save(weights, pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    assert "cannot be loaded" in refusal(pickled)
    cut = copy(folder, tmp_path / "cut")
    (cut / "model.safetensors").write_bytes(b"half")
    assert "cannot be loaded" in refusal(cut)
    own = copy(folder, tmp_path / "own")
    tree = json.loads((own / "config.json").read_text())
    tree["model_type"] = "mine"
    tree["auto_map"] = {"AutoConfig": "mine.Mine", "AutoModelForTokenClassification": "mine.Model"}
    (own / "config.json").write_text(json.dumps(tree))
    (own / "mine.py").write_text("raise SystemExit('ran')")
    assert "cannot be loaded" in refusal(own)


def test_what_is_not_there_is_refused(tmp_path: Path, folder: Path) -> None:
    assert "cannot be loaded" in refusal(tmp_path / "none")
    assert "device 'cuda:99' cannot be used" in refusal(folder, "cuda:99")
    place = copy(folder, tmp_path / "m")
    (place / "tokenizer.json").unlink()
    (place / "tokenizer_config.json").unlink()
    assert "is its tokenizer.json missing?" in refusal(place)


def test_a_folder_needs_no_commit_and_takes_none(folder: Path) -> None:
    config = TokenClassificationConfig(model=str(folder))
    assert pinned(config) == config
    with pytest.raises(InputError, match="revision is for names on the hub"):
        pinned(TokenClassificationConfig(model=str(folder), revision="main"))
