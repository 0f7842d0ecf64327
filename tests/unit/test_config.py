"""Configuration: strict loading, YAML 1.2 values, overrides, variables, identity."""

import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clism_ray.config import (
    PLACEMENT,
    BatchConfig,
    LengthConfig,
    OptimizerConfig,
    PretrainConfig,
    defaults,
    differences,
    identity,
    identity_hash,
    to_tree,
)
from clism_ray.config_corpus import CorpusFiles, PrepareConfig, SynthesizeConfig
from clism_ray.config_file import _Yaml, load, parse, to_yaml
from clism_ray.errors import InputError
from clism_ray.passwords import masked

RUN = "name: run\ncorpus: c\nlength: {steps: 5}\n"
PREPARE = (
    "output: o\ncorpora:\n"
    "- {name: a, format: tsv, path: a.tsv, source_language: en, target_language: de}\n"
    "- {name: b, format: tsv, path: b.tsv, source_language: en, target_language: no}\n"
)


def read(kind: Any, tmp_path: Path, text: str, *overrides: str) -> Any:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return load(kind, path, overrides)


def test_defaults_fill_what_the_file_leaves_out(tmp_path: Path) -> None:
    assert read(PretrainConfig, tmp_path, RUN) == PretrainConfig(
        name="run", corpus="c", length=LengthConfig(steps=5)
    )


@pytest.mark.parametrize(
    ("text", "where", "close"),
    [
        (RUN + "sed: 3\n", "sed: unknown key", "did you mean seed?"),
        (RUN + "losses: {cacr: {temprature: 1}}\n", "losses.cacr.temprature", "temperature?"),
        (RUN + "batch: {slot: 1}\n", "batch.slot", "slots?"),
    ],
)
def test_an_unknown_key_is_refused_with_its_path_and_the_closest_name(
    tmp_path: Path, text: str, where: str, close: str
) -> None:
    with pytest.raises(InputError) as error:
        read(PretrainConfig, tmp_path, text)
    assert str(tmp_path / "c.yaml") in str(error.value)
    assert where in str(error.value)
    assert close in str(error.value)


def test_an_unknown_key_inside_a_list_is_refused_with_its_position(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"corpora\.1\.frmat: unknown key; did you mean format\?"):
        read(PrepareConfig, tmp_path, PREPARE.replace("b, format", "b, frmat"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name: run\nlength: {steps: 5}\n", "corpus: required, but missing"),
        (RUN + "seed: -1\n", "seed: .*got -1"),
        (RUN + "precision: fp16\n", "precision: .*got 'fp16'"),
        (RUN + "optimizer: {beta2: 1}\n", r"optimizer\.beta2: .*less than 1.*got 1"),
        (RUN + "losses: {cacr: {temperature: .inf}}\n", r"temperature: .*finite.*got inf"),
        (RUN + "losses: {mlm: {weight: .nan}}\n", r"weight: .*got nan"),
        ("name: run\ncorpus: c\nlength: {}\n", "length: .*exactly one of steps and epochs"),
        ("name: run\ncorpus: c\nlength: {steps: 1, epochs: 1}\n", "length: .*exactly one"),
        ("- a\n", "expected a mapping of keys, got list"),
        ("a: [\n", "not valid YAML"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read(PretrainConfig, tmp_path, text)


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        (["alignment.method=neural"], "alignment: method neural and a section neural .* None"),
        (["alignment.neural.model=m"], "go together; got method systran and neural: .*'m'"),
        (["alignment.method=neural", "alignment.neural.layer=1"], r"neural\.model: required"),
        (["alignment.neural.model=m", "alignment.neural.threshold=1"], r"threshold: .*got 1"),
    ],
)
def test_an_encoder_and_the_method_that_takes_it_go_together(
    tmp_path: Path, overrides: list[str], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        read(PrepareConfig, tmp_path, PREPARE, *overrides)


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("name: a\nlength: {steps: 3}\nseed: 1\nlength: {steps: 4}\n")
    with pytest.raises(InputError, match=r"(?s)twice\.yaml: .*'length' stands twice.*line 4"):
        load(PretrainConfig, path)
    with pytest.raises(InputError, match=r"override .*'steps' stands twice"):
        read(PrepareConfig, tmp_path, PREPARE, "length={steps: 3, steps: 4}")


def test_a_mapping_that_changes_what_it_merges_may_be_merged_itself() -> None:
    text = "deep: {part: &part {a: 1, <<: {a: 5, b: 2}}}\nflat: {<<: *part, c: 3}\n"
    assert yaml.load(text, _Yaml)["flat"] == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seed: &a [*a]\n", "nested too deeply, perhaps in itself"),
        ("seed: " + "[" * 5000, "nested too deeply, perhaps in itself"),
        (
            "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
            + "".join(f"{x}: &{x} [{', '.join([f'*{y}'] * 10)}]\n" for y, x in pairwise("abcdefg")),
            "with its aliases written out it has over 100,000 values",
        ),
    ],
)
def test_aliases_that_would_not_end_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "aliases.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"aliases\.yaml: .*{told}"):
        load(PretrainConfig, path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml: cannot read"):
        load(PretrainConfig, tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("text", ["3e-4", "3.e-4", "0.0003", "3E-4", "+3e-4"])
def test_a_number_with_an_exponent_is_a_number(tmp_path: Path, text: str) -> None:
    config = read(PretrainConfig, tmp_path, RUN, f"optimizer.learning_rate={text}")
    assert config.optimizer.learning_rate == 3e-4


def test_no_is_norwegian(tmp_path: Path) -> None:
    assert read(PrepareConfig, tmp_path, PREPARE).corpora[1].target_language == "no"
    assert read(SynthesizeConfig, tmp_path, "output: o\nlanguages: [no, de]\n").languages[0] == "no"


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_true_and_false_are_the_only_booleans(tmp_path: Path, text: str, value: bool) -> None:
    assert (
        read(PrepareConfig, tmp_path, PREPARE, f"corpora.0.header={text}").corpora[0].header
        is value
    )


def test_overrides_reach_sections_the_file_does_not_name(tmp_path: Path) -> None:
    config = read(PretrainConfig, tmp_path, RUN, "losses.cacr.temperature=0.1", "seed=4", "seed=5")
    assert config.losses.cacr.temperature == 0.1
    assert config.seed == 5


def test_overrides_reach_into_lists_by_position_and_replace_whole_lists(tmp_path: Path) -> None:
    config = read(PrepareConfig, tmp_path, PREPARE, "corpora.1.path=x.tsv")
    assert [corpus.path for corpus in config.corpora] == ["a.tsv", "x.tsv"]
    config = read(SynthesizeConfig, tmp_path, "output: o\n", "languages=[zh]")
    assert config.languages == ("zh",)


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("seed", "expected the form a.b=value"),
        ("=3", "expected the form a.b=value"),
        ("corpora.2.path=x", "2 is no position of a list of 2"),
        ("corpora.x.path=x", "x is no position of a list of 2"),
        ("output=[", "not valid YAML"),
        ("corpora.0.path.deep=1", r"corpora\.0\.path"),
    ],
)
def test_an_override_that_cannot_be_applied_is_named(
    tmp_path: Path, override: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        read(PrepareConfig, tmp_path, PREPARE, override)


def test_environment_variables_are_expanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORPORA", "/data")
    text = PREPARE.replace("a.tsv", "'${CORPORA}/${CORPORA}.tsv'")
    assert read(PrepareConfig, tmp_path, text).corpora[0].path == "/data//data.tsv"


def test_an_unset_variable_is_named_with_its_key_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(InputError, match=r"corpora\.0\.path: .*NOWHERE is not set; .*path=\.\.\."):
        read(PrepareConfig, tmp_path, PREPARE.replace("a.tsv", "'${NOWHERE}/a.tsv'"))


def test_an_override_saves_a_key_whose_variable_is_unset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    text = PREPARE.replace("a.tsv", "'${NOWHERE}/a.tsv'")
    config = read(PrepareConfig, tmp_path, text, "corpora.0.path=here.tsv")
    assert config.corpora[0].path == "here.tsv"


printable = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="$"))
runs = st.builds(
    PretrainConfig,
    name=st.sampled_from(["run", "1e5", "true", "no", "0.5"]),
    corpus=printable,
    seed=st.integers(0, 2**62),
    optimizer=st.builds(
        OptimizerConfig,
        learning_rate=st.floats(1e-12, 1e3),
        beta1=st.floats(0, 1, exclude_max=True),
    ),
    batch=st.builds(BatchConfig, slots=st.integers(1, 99), pairs=st.integers(1, 99)),
    length=st.builds(LengthConfig, steps=st.integers(1, 10**9)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs)
def test_a_printed_configuration_loads_to_the_same_value(
    tmp_path: Path, config: PretrainConfig
) -> None:
    assert read(PretrainConfig, tmp_path, to_yaml(config)) == config


def test_a_configuration_is_frozen() -> None:
    config = SynthesizeConfig(output="o")
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 3


BASE = PretrainConfig(name="run", corpus="c", length=LengthConfig(steps=5))
CHANGED: dict[str, Any] = {
    "name": "other",
    "corpus": "elsewhere",
    "seed": 14,
    "precision": "bf16",
    "tokenizer": {"vocabulary": 5},
    "model": {"start": "x"},
    "masking": {"max_spans": 1},
    "losses": {"mlm": {"weight": 0}},
    "optimizer": {"beta1": 0.5},
    "batch": {"slots": 5},
    "length": {"steps": 6},
    "max_minutes": 3,
    "storage": "/x",
    "resume_from": "/x/runs/y",
    "scaling": {"workers": 7},
    "zero": {"stage": 3},
    "checkpoint": {"keep": 9},
    "validation": {"every_steps": 9},
    "tracking": {"uri": "x"},
}


@pytest.mark.parametrize(
    ("scaling", "said"),
    [
        ({"workers": 2, "min_workers": 3}, "min_workers is 3, more than workers, 2"),
        ({"resources_per_worker": {"CPU": 1}}, "names CPU; give it as cpus_per_worker"),
        ({"labels": {"role": "in(data,train)"}}, "scaling.labels.role: "),
        ({"data_labels": {"role": 1}}, "scaling.data_labels.role: .* valid string; got 1"),
    ],
)
def test_workers_that_cannot_be_are_refused(scaling: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(PretrainConfig, {**to_tree(BASE), "scaling": scaling})


def changed(key: str) -> PretrainConfig:
    return parse(PretrainConfig, {**to_tree(BASE), key: CHANGED[key]})


def test_every_key_of_a_run_is_either_identity_or_placement() -> None:
    keys = {field.name for field in dataclasses.fields(PretrainConfig)}
    assert set(CHANGED) == keys
    assert keys >= PLACEMENT


@pytest.mark.parametrize("key", CHANGED)
def test_identity_keys_change_the_hash_and_placement_keys_do_not(key: str) -> None:
    same = identity_hash(identity(changed(key), "h")) == identity_hash(identity(BASE, "h"))
    assert changed(key) != BASE
    assert same == (key in PLACEMENT)


@pytest.mark.parametrize("weights", [{}, {"clism": {"weight": 0}}, {"cacr": {"weight": 0}}])
def test_losses_that_need_questions_are_refused_where_none_are_asked(weights: Any) -> None:
    silent = {**to_tree(BASE), "masking": {"questions": False}, "losses": weights}
    with pytest.raises(InputError, match=r"losses\.clism\.weight=0 and losses\.cacr\.weight=0"):
        parse(PretrainConfig, silent)
    none = {"clism": {"weight": 0}, "cacr": {"weight": 0}}
    assert not parse(PretrainConfig, {**silent, "losses": none}).masking.questions


def test_defaults_are_those_of_a_configuration_that_says_nothing() -> None:
    tree = to_tree(BASE)
    assert tree == {
        **defaults(PretrainConfig),
        **{k: tree[k] for k in ("name", "corpus", "length")},
    }


def test_another_corpus_is_another_identity() -> None:
    assert identity_hash(identity(BASE, "h")) != identity_hash(identity(BASE, "i"))


def test_differences_name_every_leaf_that_differs() -> None:
    other = parse(
        PretrainConfig, {**to_tree(BASE), "seed": 1, "losses": {"cacr": {"temperature": 20}}}
    )
    assert differences(to_tree(BASE), to_tree(other)) == [
        "seed: 13 -> 1",
        "losses.cacr.temperature: 0.05 -> 20.0",
    ]
    assert differences(to_tree(BASE), to_tree(BASE)) == []


def test_a_key_of_one_side_only_is_a_difference() -> None:
    assert differences({"a": 1}, {"b": 2}) == ["a: 1 -> None", "b: None -> 2"]


def test_a_storage_is_a_folder_and_no_uri(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: a\ncorpus: c\nlength: {steps: 1}\nstorage: s3://bucket/runs\n")
    with pytest.raises(InputError, match=r"storage: expected a folder .* not a URI.*s3://bucket"):
        load(PretrainConfig, path, [])
    here = ["storage=/runs", "checkpoint.copy_to=s3://bucket/runs"]
    assert load(PretrainConfig, path, here).checkpoint.copy_to == "s3://bucket/runs"
    with pytest.raises(InputError, match=r"copy_to: holds a password") as error:
        load(PretrainConfig, path, ["storage=/runs", "checkpoint.copy_to=s3://me:secret@bucket"])
    assert "secret" not in masked(str(error.value))


def test_corpus_positions_and_names_of_columns_are_told_apart(tmp_path: Path) -> None:
    config = read(PrepareConfig, tmp_path, PREPARE, "corpora.0.source_column=text")
    columns = [(c.source_column, c.target_column) for c in config.corpora]
    assert columns == [("text", 1), (0, 1)]
    assert isinstance(config.corpora[0], CorpusFiles)


def test_a_file_that_is_not_utf_8_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: café".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.yaml: not UTF-8 \(.* at byte 9\)"):
        load(PretrainConfig, path)
