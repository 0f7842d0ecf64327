"""What a sweep searches: its keys and ranges, its trials' configurations, what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clism_ray.config_file import load, parse, to_yaml
from clism_ray.config_sweep import SweepConfig
from clism_ray.corpus.manifest import read_manifest
from clism_ray.errors import InputError
from clism_ray.train.journal import Entry
from clism_ray.train.space import (
    objective_curve,
    shared_tokenizer,
    sweep_folder,
    trial_config,
    trial_count,
)
from clism_ray.train.space_checks import (
    check_few_shot,
    check_halving,
    check_objective,
    check_space,
)
from clism_ray.train.sweep_record import (
    change_sweep,
    change_trial,
    open_sweep,
    read_sweep,
    write_sweep,
)

TEMPERATURE = "losses.cacr.temperature"
FEW_SHOT = {
    "ner": {
        "train": "/train",
        "format": "wikiann",
        "tests": {"panx": {"path": "/{language}", "languages": ["de"], "shown": ["zh"]}},
    },
    "optimizer": {"learning_rate": 1e-3},
    "length": {"steps": 2},
}


def configuration(storage: Path | str = "/nowhere", **changes: Any) -> SweepConfig:
    tree = {
        "name": "heat",
        "space": {TEMPERATURE: {"loguniform": [0.01, 20]}},
        "trials": 4,
        "pretrain": {"corpus": "/corpus", "storage": str(storage), "length": {"steps": 9}},
        **changes,
    }
    return parse(SweepConfig, tree)


def test_a_trial_is_the_shared_configuration_with_its_values_below_the_sweep() -> None:
    config = configuration()
    run = trial_config(config, {TEMPERATURE: 0.3}, "heat-1")
    assert run.losses.cacr.temperature == 0.3
    assert (run.name, run.storage) == ("heat-1", "/nowhere/sweeps/heat")
    assert replace(run, losses=config.pretrain.losses, name="heat", storage="/nowhere") == (
        config.pretrain
    )


def test_a_trial_is_validated_within_a_step_as_what_is_found_decides_on_the_next() -> None:
    shared = {"corpus": "/corpus", "length": {"steps": 9}, "validation": {"beside": True}}
    config = configuration(pretrain=shared)
    assert config.pretrain.validation.beside
    assert not trial_config(config, {TEMPERATURE: 0.3}, "heat-1").validation.beside


def test_a_sweep_written_out_loads_to_the_same_value(tmp_path: Path) -> None:
    config = configuration()
    (tmp_path / "a.yaml").write_text(to_yaml(config))
    assert load(SweepConfig, tmp_path / "a.yaml") == config


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"losses.cacr.temprature": {"uniform": [1, 2]}}, f"did you mean {TEMPERATURE}"),
        ({"losses.cacr": {"choice": [1]}}, "no such key"),
        ({"storage": {"choice": ["a"]}}, "no such key to search"),
        ({"validation.every_steps": {"choice": [1]}}, "no such key to search"),
        ({TEMPERATURE: {"uniform": [-1, 2]}}, f"space.{TEMPERATURE}.*greater than 0; got -1"),
        ({"zero.stage": {"integers": [1, 2]}}, "no such key to search"),
        ({"length.steps": {"integers": [1, 4]}}, "no such key to search"),
        ({"masking.mlm_probability": {"uniform": [0, 4]}}, "less than or equal to 1"),
        ({"masking.max_spans": {"uniform": [1, 8]}}, "masking.max_spans.*integer"),
        ({"optimizer.decay": {"choice": ["linear", "sudden"]}}, "optimizer.decay.*'sudden'"),
    ],
)
def test_a_key_or_value_that_does_not_fit_is_refused_by_name(
    space: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        check_space(configuration(space=space))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"space": {TEMPERATURE: {"loguniform": [3, 1]}}},
            "impossible range: 3.0 is not below 1.0",
        ),
        ({"space": {TEMPERATURE: {"logunform": [1, 3]}}}, "did you mean loguniform"),
        ({"space": {TEMPERATURE: {}}}, "exactly one of loguniform"),
        ({"space": {}}, "space"),
        ({"search": "grid"}, "give trials"),
        ({"search": "grid", "trials": None}, f"give {TEMPERATURE} as choice"),
        ({"trials": None}, "give trials"),
        ({"asha": {"grace": 3}}, "did you mean grace_steps"),
        ({"few_shot": {**FEW_SHOT, "name": "other"}}, r"few_shot.name .* leave them out"),
        ({"few_shot": {**FEW_SHOT, "model": {"path": "x"}}}, r"few_shot.model .* leave them out"),
        ({"few_shot": {**FEW_SHOT, "storage": "x"}}, "few_shot.storage is that of pretrain"),
        ({"few_shot": FEW_SHOT, "asha": {"grace_steps": 2}}, "measured at the end of a trial"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        configuration(**changes)


def test_ranges_and_choices_that_fit_pass() -> None:
    space = {
        TEMPERATURE: {"loguniform": [0.01, 20]},
        "masking.max_spans": {"integers": [1, 8]},
        "optimizer.decay": {"choice": ["linear", "cosine"]},
        "tokenizer.path": {"choice": [None, "elsewhere"]},
    }
    check_space(configuration(space=space))


def test_a_grid_has_a_trial_for_every_combination() -> None:
    space = {TEMPERATURE: {"choice": [0.05, 1, 20]}, "seed": {"choice": [1, 2]}}
    assert trial_count(configuration(space=space, search="grid", trials=None)) == 6
    assert trial_count(configuration()) == 4


def test_an_objective_that_no_run_logs_is_refused_with_the_nearest(corpus: Path) -> None:
    manifest = read_manifest(corpus)
    for known in (
        "validation/accuracy",
        "validation/accuracy/en-de",
        "validation/retrieval",
        "validation/alignment/en-zh",
        "validation/uniformity",
        "validation/perplexity/en-de",
        "loss/mlm",
        "cacr/plain_masked",
    ):
        check_objective(configuration(objective=known), manifest)
    with pytest.raises(InputError, match="did you mean validation/accuracy"):
        check_objective(configuration(objective="validation/acuracy"), manifest)
    with pytest.raises(InputError, match="no held-out pairs"):
        check_objective(configuration(), replace(manifest, dev=()))


def test_a_few_shot_score_is_an_objective_where_there_is_a_cell(corpus: Path) -> None:
    manifest = read_manifest(corpus)
    check_objective(configuration(few_shot=FEW_SHOT, objective="test/panx/f1"), manifest)
    check_objective(configuration(few_shot=FEW_SHOT, objective="test/panx/f1/zh"), manifest)
    for unknown in ({"objective": "test/panx/f1"}, {"objective": "test/pan/f1"}):
        cell = FEW_SHOT if "pan/" in unknown["objective"] else None
        with pytest.raises(InputError, match="never reported; did you mean"):
            check_objective(configuration(few_shot=cell, **unknown), manifest)


def test_windows_longer_than_an_encoder_from_scratch_are_refused_at_once() -> None:
    longer = {**FEW_SHOT, "ner": {**FEW_SHOT["ner"], "max_tokens": 300}}
    with pytest.raises(InputError, match="has 256 positions"):
        check_few_shot(configuration(few_shot=longer))


def test_a_few_shot_score_counts_at_the_end_alone() -> None:
    entries = [
        Entry(0, "validation", 4, {"validation/accuracy": 0.1}),
        Entry(0, "test", 8, {"test/loss": 2.0, "test/panx/f1": 50.0}),
    ]
    assert objective_curve(entries, "test/panx/f1") == [(8, 50.0)]


def test_a_sweep_that_asks_nothing_has_no_accuracy_to_search_for(corpus: Path) -> None:
    manifest = read_manifest(corpus)
    silent = {
        "corpus": "/c",
        "length": {"steps": 9},
        "masking": {"questions": False},
        "losses": {"clism": {"weight": 0}, "cacr": {"weight": 0}},
    }
    check_objective(configuration(pretrain=silent, objective="validation/retrieval"), manifest)
    with pytest.raises(InputError, match="'validation/accuracy' is never reported"):
        check_objective(configuration(pretrain=silent), manifest)


def test_trials_that_could_not_be_compared_are_refused() -> None:
    by_epochs = {"corpus": "/c", "length": {"epochs": 2}}
    space = {"batch.pairs": {"choice": [8, 16]}}
    with pytest.raises(InputError, match="different numbers of steps"):
        check_space(configuration(pretrain=by_epochs, space=space))
    with pytest.raises(InputError, match="cut off by the clock"):
        check_space(configuration(pretrain={**by_epochs, "max_minutes": 5}))


def test_halving_that_could_stop_nothing_is_refused() -> None:
    config = configuration(asha={"grace_steps": 10})
    check_halving(config, 11)
    with pytest.raises(InputError, match=r"asha\.grace_steps is 10, but a trial takes 10 steps"):
        check_halving(config, 10)


def test_a_tokenizer_is_shared_by_the_trials_that_ask_for_the_same() -> None:
    config = configuration()
    assert shared_tokenizer(config, config.pretrain) == sweep_folder(config) / "tokenizer"
    larger = trial_config(config, {"tokenizer.vocabulary": 9}, "heat-1")
    assert shared_tokenizer(config, larger) is None


def test_a_name_with_another_space_is_refused_with_the_difference(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    write_sweep(sweep_folder(config), open_sweep(config, "abc"))
    assert open_sweep(config, "abc").status == "running"
    wider = configuration(tmp_path, space={TEMPERATURE: {"loguniform": [0.01, 40]}})
    with pytest.raises(InputError, match=rf"{TEMPERATURE}.loguniform: \[0.01, 20.0\] -> "):
        open_sweep(wider, "abc")
    with pytest.raises(InputError, match="'abc' -> 'other'"):
        open_sweep(configuration(tmp_path), "other")


def test_a_sweep_older_than_a_setting_goes_on_under_its_default(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    record = open_sweep(config, "abc")
    older = {**record.identity, "pretrain": {**record.identity["pretrain"], "masking": {}}}
    del older["retries"]
    write_sweep(sweep_folder(config), replace(record, identity=older, identity_hash="older"))
    assert open_sweep(config, "abc").identity_hash == "older"
    with pytest.raises(InputError, match="retries: None -> 5"):
        open_sweep(configuration(tmp_path, retries=5), "abc")


def test_what_is_remembered_of_trials_is_on_disk(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    folder = sweep_folder(config)
    write_sweep(folder, open_sweep(config, "abc"))
    change_trial(folder, "heat-1", values={TEMPERATURE: 2.0})
    change_trial(folder, "heat-2", values={TEMPERATURE: 1.0})
    change_trial(folder, "heat-1", status="failed", problem="why")
    change_sweep(folder, mlflow_run="parent")
    record = read_sweep(folder)
    assert record.mlflow_run == "parent"
    assert list(record.trials) == ["heat-1", "heat-2"]
    assert record.trials["heat-1"].values == {TEMPERATURE: 2.0}
    assert (record.trials["heat-1"].status, record.trials["heat-1"].problem) == ("failed", "why")


def test_the_objective_is_taken_at_every_validation_after_a_step() -> None:
    entries = [
        Entry(0, "validation", 0, {"validation/accuracy": 0.0}),
        Entry(1, "train", 1, {"loss/mlm": 3.0}),
        Entry(2, "validation", 1, {"validation/accuracy": 0.1}),
        Entry(3, "train", 2, {"loss/mlm": 2.0}),
        Entry(4, "event", 2, {"status": "finished"}),
        Entry(5, "validation", 2, {"validation/accuracy": 0.3}),
    ]
    assert objective_curve(entries, "validation/accuracy") == [(1, 0.1), (2, 0.3)]
    assert objective_curve(entries, "loss/mlm") == [(1, 3.0), (2, 2.0)]
    assert objective_curve(entries, "validation/accuracy/en-xx") == []
