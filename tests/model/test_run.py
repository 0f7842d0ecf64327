"""A run on disk: its identity, its tokenizer, its length; what is refused before it starts."""

import dataclasses
import json
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clism_ray.config import (
    BatchConfig,
    LengthConfig,
    MaskingConfig,
    ModelConfig,
    PretrainConfig,
    ScalingConfig,
    TokenizerConfig,
    ValidationConfig,
    ZeroConfig,
)
from clism_ray.config_losses import CacrConfig, ClismConfig, LossConfig
from clism_ray.corpus.manifest import Manifest, read_manifest
from clism_ray.errors import InputError, RunFailed
from clism_ray.hold import hold
from clism_ray.masking.microbatch import Recipe
from clism_ray.masking.tokenizer import QUESTION, load_tokenizer
from clism_ray.model.card import model_card
from clism_ray.placement import Node
from clism_ray.train.checkpoint import RunState, folder_of, write_list
from clism_ray.train.models import score_of_best
from clism_ray.train.preflight import (
    awaited,
    check_checkpoint,
    check_resources,
    check_validator,
    runs_at_once,
    side_by_side,
)
from clism_ray.train.run import (
    make_folder,
    make_tokenizer,
    open_run,
    recipe_of,
    run_folder,
    start_of,
    steps_of,
    write_record,
)


@pytest.fixture
def config(corpus: Path, tmp_path: Path) -> PretrainConfig:
    return PretrainConfig(
        name="first",
        corpus=str(corpus),
        storage=str(tmp_path),
        length=LengthConfig(steps=10),
        tokenizer=TokenizerConfig(vocabulary=400),
    )


@pytest.fixture
def manifest(corpus: Path) -> Manifest:
    return read_manifest(corpus)


def test_a_new_run_is_new_and_a_known_one_goes_on(
    config: PretrainConfig, manifest: Manifest
) -> None:
    record = open_run(config, manifest)
    assert record.status == "new"
    stopped = replace(record, status="stopped", mlflow_run="abc")
    write_record(config, stopped)
    assert open_run(config, manifest) == stopped
    assert [path.name for path in run_folder(config).iterdir()] == ["run.json"]


def test_a_record_that_cannot_be_written_is_told_and_leaves_the_old_one(
    config: PretrainConfig, manifest: Manifest
) -> None:
    record = open_run(config, manifest)
    write_record(config, record)
    (run_folder(config) / "run.tmp").mkdir()
    with pytest.raises(RunFailed, match=r"run\.json: cannot be written \(Is a directory\); make"):
        write_record(config, replace(record, status="failed"))
    assert open_run(config, manifest) == record


def test_the_same_name_with_another_identity_is_refused_with_the_difference(
    config: PretrainConfig, manifest: Manifest
) -> None:
    write_record(config, open_run(config, manifest))
    other = replace(config, seed=14, batch=BatchConfig(slots=8))
    with pytest.raises(InputError) as refused:
        open_run(other, manifest)
    assert "batch.slots: 4 -> 8\n" in str(refused.value)
    assert "seed: 13 -> 14\n" in str(refused.value)
    assert "another name=" in str(refused.value)


def test_a_run_older_than_a_setting_goes_on_under_its_default_and_no_other(
    config: PretrainConfig, manifest: Manifest
) -> None:
    record = open_run(config, manifest)
    masking = dict(record.identity["masking"])
    del masking["questions"], masking["max_spans"]
    older = replace(record, identity={**record.identity, "masking": masking}, identity_hash="older")
    write_record(config, older)
    assert open_run(config, manifest) == older
    with pytest.raises(InputError, match=r"masking.max_spans: None -> 2") as refused:
        open_run(replace(config, masking=MaskingConfig(max_spans=2)), manifest)
    assert "questions" not in str(refused.value)
    wider = replace(config, losses=LossConfig(cacr=CacrConfig(negatives="global")))
    losses = dict(record.identity["losses"])
    losses["cacr"] = {key: v for key, v in losses["cacr"].items() if key != "negatives"}
    write_record(config, replace(older, identity={**record.identity, "losses": losses}))
    open_run(config, manifest)
    with pytest.raises(InputError, match=r"losses.cacr.negatives: None -> 'global'"):
        open_run(wider, manifest)
    write_record(config, replace(older, identity={**older.identity, "length": {}}))
    with pytest.raises(InputError, match=r"length.steps: None -> 10"):  # it has no default
        open_run(config, manifest)


def test_a_run_goes_on_from_the_weights_it_began_with_and_no_others(
    config: PretrainConfig, manifest: Manifest, tmp_path: Path
) -> None:
    start = tmp_path / "start"
    start.mkdir()
    (start / "model.safetensors").write_text("weights")
    begun = replace(config, model=ModelConfig(start=str(start)))
    record = replace(open_run(begun, manifest), start=start_of(begun))
    write_record(begun, record)
    assert open_run(begun, manifest) == record
    (start / "model.safetensors").write_text("others")
    with pytest.raises(InputError, match=r"its files are not those that the run .* began with"):
        open_run(begun, manifest)
    write_record(begun, replace(record, status="finished"))
    assert open_run(begun, manifest).status == "finished"
    write_record(begun, replace(record, start=None))
    assert open_run(begun, manifest).start is None, "a record older than this"


def test_another_corpus_is_another_identity_wherever_it_stands(
    config: PretrainConfig, manifest: Manifest
) -> None:
    write_record(config, open_run(config, manifest))
    open_run(replace(config, corpus="/moved"), manifest)
    with pytest.raises(InputError, match=r"corpus_hash"):
        open_run(config, replace(manifest, content_hash="other"))


def test_placement_may_change_between_starts(config: PretrainConfig, manifest: Manifest) -> None:
    record = open_run(config, manifest)
    write_record(config, record)
    moved = replace(config, scaling=ScalingConfig(workers=4), zero=ZeroConfig(stage=3))
    assert open_run(moved, manifest) == record


def test_a_run_takes_its_steps_or_its_epochs(config: PretrainConfig, manifest: Manifest) -> None:
    recipe = recipe_of(config, Path(config.corpus))
    assert steps_of(config, manifest, recipe) == 10
    epochs = replace(config, length=LengthConfig(epochs=3), batch=BatchConfig(slots=4, pairs=7))
    # 90 rows: 13 micro-batches of at most 7, 4 steps of at most 4
    assert steps_of(epochs, manifest, recipe_of(epochs, Path(config.corpus))) == 12


def test_a_corpus_without_training_pairs_is_refused(
    config: PretrainConfig, manifest: Manifest
) -> None:
    with pytest.raises(InputError, match=r"no training pairs"):
        steps_of(config, replace(manifest, train=()), recipe_of(config, Path(config.corpus)))


def test_the_recipe_is_what_the_settings_say(config: PretrainConfig) -> None:
    recipe = recipe_of(config, Path(config.corpus))
    assert (recipe.pairs, recipe.slots, recipe.seed) == (16, 4, 13)
    assert Path(recipe.tokenizer) == run_folder(config) / "tokenizer"


def test_without_a_tokenizer_one_is_trained_once_on_the_corpus(
    config: PretrainConfig, manifest: Manifest
) -> None:
    make_tokenizer(config, Path(config.corpus), manifest, run_folder(config) / "tokenizer")
    folder = run_folder(config) / "tokenizer"
    assert len(load_tokenizer(str(folder))) == 400
    written = (folder / "tokenizer.json").stat().st_mtime_ns
    make_tokenizer(config, Path(config.corpus), manifest, run_folder(config) / "tokenizer")
    assert (folder / "tokenizer.json").stat().st_mtime_ns == written


def test_a_start_that_failed_before_it_ran_leaves_no_tokenizer_to_the_next(
    config: PretrainConfig, manifest: Manifest
) -> None:
    left = run_folder(config) / "tokenizer"
    half = run_folder(config) / "best.partial.123"
    left.mkdir(parents=True)
    half.mkdir()
    record = open_run(config, manifest)
    make_folder(config, record)
    assert not left.exists()
    assert not half.exists()
    left.mkdir()
    make_folder(config, replace(record, status="stopped"))
    assert left.exists()


def test_what_a_start_that_died_had_half_fetched_is_cleared_away(
    config: PretrainConfig, manifest: Manifest
) -> None:
    run = run_folder(config)
    whole = run / "checkpoints" / "step-00000020"
    whole.mkdir(parents=True)
    fetched = whole.with_name("step-00000040.partial.fetched")
    fetched.mkdir()
    (fetched / "rank-00000.json").touch()
    (run / "journal.jsonl.partial.brought").touch()
    make_folder(config, open_run(config, manifest))
    assert list(run.rglob("*.partial.*")) == []
    assert whole.is_dir()


def test_a_checkpoint_that_came_from_elsewhere_keeps_the_tokenizer_that_came_with_it(
    config: PretrainConfig, manifest: Manifest
) -> None:
    """The start that brought both ended before it wrote a record."""
    brought = run_folder(config) / "tokenizer"
    brought.mkdir(parents=True)
    folder_of(run_folder(config), 20).mkdir(parents=True)
    make_folder(config, open_run(config, manifest))
    assert brought.exists()


def held(config: PretrainConfig) -> AbstractContextManager[None]:
    return hold(run_folder(config), f"the run {config.name!r}")


def test_a_storage_that_cannot_be_written_is_named(config: PretrainConfig, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    elsewhere = replace(config, storage=str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"cannot make .*storage=\.\.\."), held(elsewhere):
        pass


@pytest.mark.parametrize("setting", ["tokenizer", "model"])
def test_a_tokenizer_that_is_named_or_comes_with_the_start_is_taken(
    config: PretrainConfig, manifest: Manifest, recipe: Recipe, setting: str
) -> None:
    named = {
        "tokenizer": replace(config, tokenizer=TokenizerConfig(path=recipe.tokenizer)),
        "model": replace(config, model=ModelConfig(start=recipe.tokenizer)),
    }[setting]
    make_tokenizer(named, Path(config.corpus), manifest, run_folder(named) / "tokenizer")
    taken = load_tokenizer(str(run_folder(named) / "tokenizer")).get_vocab()
    assert taken == load_tokenizer(recipe.tokenizer).get_vocab()
    assert QUESTION in taken


NODE = {"CPU": 4.0, "GPU": 2.0}
ON_GPUS = {"device": "cuda", "gpus_per_worker": 1, "backend": "nccl"}


def alike(*nodes: dict[str, float], **labels: str) -> list[Node]:
    """Nodes of these resources, which all have these labels."""
    return [Node(resources, labels) for resources in nodes]


def scaled(config: PretrainConfig, **scaling: object) -> PretrainConfig:
    return replace(config, scaling=ScalingConfig(**scaling))


def test_a_cluster_with_room_passes(config: PretrainConfig) -> None:
    check_resources(scaled(config, workers=4, cpus_per_worker=0.75), alike({"CPU": 4.0}))
    check_resources(scaled(config, workers=4, cpus_per_worker=1, **ON_GPUS), alike(NODE, NODE))
    elastic = scaled(config, workers=4, min_workers=1, cpus_per_worker=1.5)  # there is room for two
    check_resources(elastic, alike({"CPU": 4.0}))


@pytest.mark.parametrize(
    ("scaling", "nodes", "said"),
    [
        ({"workers": 5}, [NODE], "5, but a step has only batch.slots = 4 micro-batches"),
        ({"workers": 2, "cpus_per_worker": 3}, [NODE], "2 workers of 3 CPU each.*hold 1 of them"),
        ({"workers": 2, "cpus_per_worker": 2}, [NODE], "leave 0 of 4 CPU, on no node enough"),
        (
            {"workers": 1, "cpus_per_worker": 0.6, "cpus_per_data_task": 0.6},
            [{"CPU": 0.5}, {"CPU": 1.0}],
            "on no node enough for a data task, which needs 0.6",
        ),
        ({"device": "cuda"}, [NODE], "gpus_per_worker is 0"),
        ({"device": "cuda", "gpus_per_worker": 1}, [NODE], "gloo, which cannot run ZeRO on GPUs"),
        ({"gpus_per_worker": 1}, [NODE], "scaling.device is cpu"),
        ({"device": "cuda", "gpus_per_worker": 0.5}, [NODE], "gpus_per_worker is 0.5"),
        ({"backend": "nccl"}, [NODE], "scaling.backend is nccl"),
        (
            {"workers": 3, **ON_GPUS},
            [NODE],
            "3 workers of 1 GPU each.*with 2 GPU in all hold 2 of them",
        ),
        (
            {"workers": 2, **ON_GPUS, "cpus_per_worker": 2},
            [{"CPU": 8.0}, {"CPU": 1.0, "GPU": 2.0}],
            "2 workers of 2 CPU and 1 GPU each.*hold 0 of them",
        ),
        ({"workers": 1}, [], "0 node"),
        (
            {"workers": 4, "min_workers": 3, "cpus_per_worker": 2},
            [NODE],
            "scaling.min_workers asks for 3 workers of 2 CPU each.*lower scaling.min_workers",
        ),
        (
            {"workers": 4, "min_workers": 1, "cpus_per_worker": 2},
            [NODE],
            "2 workers of 2 CPU leave 0 of 4 CPU",
        ),
        (
            {"workers": 2, "resources_per_worker": {"slot": 1}},
            [NODE, {"CPU": 1.0, "slot": 1.0}],
            "2 workers of 1 slot each.*hold 1 of them.*scaling.resources_per_worker.slot",
        ),
    ],
)
def test_what_can_never_be_scheduled_is_refused_with_the_numbers(
    config: PretrainConfig, scaling: dict[str, object], nodes: list[dict[str, float]], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        check_resources(scaled(config, **scaling), alike(*nodes))


def test_a_validation_beside_training_takes_the_room_of_a_worker(config: PretrainConfig) -> None:
    within = scaled(config, workers=2, **ON_GPUS)
    beside = replace(within, validation=ValidationConfig(beside=True))
    check_validator(within, alike(NODE))
    check_validator(beside, alike(NODE, NODE))
    with pytest.raises(InputError, match=r"takes 0\.5 CPU and 1 GPU.*beside 2 workers"):
        check_validator(beside, alike(NODE))
    elastic = replace(scaled(config, workers=2, min_workers=1), validation=beside.validation)
    with pytest.raises(InputError, match=r"a run with scaling\.min_workers takes all"):
        check_validator(elastic, alike(NODE))


SLOT = {"resources_per_worker": {"slot": 1.0}}


@pytest.mark.parametrize(
    ("scaling", "nodes", "runs"),
    [
        ({"workers": 1}, [{"CPU": 2.0}], 1),  # two would leave nothing for their drivers
        ({"workers": 1}, [{"CPU": 4.0}], 3),
        ({"workers": 2}, [{"CPU": 0.5}, {"CPU": 1.1}], 1),
        ({"workers": 2, **ON_GPUS, "cpus_per_worker": 1}, [{"CPU": 64.0}, NODE, NODE], 2),
        ({"workers": 2, **ON_GPUS}, [{"CPU": 64.0}], 0),
        ({"workers": 8, "min_workers": 2, **SLOT}, [{"CPU": 2.0, "slot": 2.0}], 1),
        ({"workers": 8, "min_workers": 2}, [{"CPU": 4.0}], 0),  # all eight, and no CPU for data
    ],
)
def test_so_many_runs_fit_beside_each_other(
    config: PretrainConfig, scaling: dict[str, object], nodes: list[dict[str, float]], runs: int
) -> None:
    assert runs_at_once(scaled(config, **scaling), alike(*nodes), driver=0.01) == runs


ROLES = {"labels": {"role": "train"}, "data_labels": {"role": "data"}}
TRAIN, DATA = {"role": "train"}, {"role": "data"}


@pytest.mark.parametrize(
    ("scaling", "nodes", "runs", "threads"),
    [
        ({"workers": 2}, [16.0], 1, None),
        ({"workers": 2}, [16.0], 4, 2),
        ({"workers": 2}, [16.0], 15, 1),
        ({"workers": 1, "cpus_per_worker": 0.5}, [8.0, 8.0], 2, 8),
        ({"workers": 1, "cpus_per_worker": 0.5}, [0.0, 8.0, 40.0], 2, 8),
        ({"workers": 1, "cpus_per_worker": 8}, [64.0, 64.0], 2, None),
        ({"workers": 1, "cpus_per_worker": 5}, [16.0], 4, 5),
        ({"workers": 2, "threads_per_worker": 7}, [16.0], 4, 7),
    ],
)
def test_runs_at_once_share_the_cpus(
    scaling: dict[str, Any], nodes: list[float], runs: int, threads: int | None
) -> None:
    each = side_by_side(ScalingConfig(**scaling), alike(*({"CPU": cpus} for cpus in nodes)), runs)
    assert each == ScalingConfig(**{**scaling, "threads_per_worker": threads})


def test_workers_and_data_tasks_count_only_on_nodes_with_their_labels(
    config: PretrainConfig,
) -> None:
    placed = scaled(config, workers=2, cpus_per_worker=1, **ROLES)
    train, data = alike({"CPU": 2.0}, **TRAIN), alike({"CPU": 1.0}, **DATA)
    check_resources(placed, [*data, *train])
    assert runs_at_once(placed, [*data, *train, *train], driver=0.01) == 1
    assert runs_at_once(placed, [*data, *train, *data, *train], driver=0.01) == 2
    with pytest.raises(InputError, match=r"1 node\(s\) with role=train and 1 CPU in all hold 1 of"):
        check_resources(placed, [*data, *alike({"CPU": 1.0}, **TRAIN), *alike({"CPU": 64.0})])
    with pytest.raises(InputError, match=r"on no node with role=data enough for a data task"):
        check_resources(placed, [*train, *alike({"CPU": 64.0}), *alike({"CPU": 0.1}, **DATA)])


@pytest.mark.parametrize(("key", "missing"), [("labels", "train"), ("data_labels", "data")])
def test_labels_that_no_node_has_are_refused(
    config: PretrainConfig, key: str, missing: str
) -> None:
    nodes = [*alike(NODE, NODE, **(DATA if missing == "train" else TRAIN)), *alike(NODE)]
    with pytest.raises(InputError, match=rf"^scaling\.{key} asks for nodes with role={missing}"):
        check_resources(scaled(config, workers=1, **ROLES), nodes)


def test_an_elastic_run_needs_a_resource_that_only_nodes_with_its_labels_have(
    config: PretrainConfig,
) -> None:
    nodes = [*alike({"CPU": 2.0}, **DATA), *alike({"CPU": 2.0, "slot": 1.0}, **TRAIN)]
    elastic = {"workers": 2, "min_workers": 1, **ROLES}
    with pytest.raises(InputError, match=r"1 node\(s\) without role=train have room too.*slot=1"):
        check_resources(scaled(config, **elastic), nodes)
    check_resources(scaled(config, **elastic, resources_per_worker={"slot": 1}), nodes)
    check_resources(scaled(config, workers=2, **ROLES), nodes)  # Ray counts nothing there


@pytest.mark.parametrize(
    ("scaling", "cpus", "full"),
    [
        ({"workers": 4, "min_workers": 2}, (1.0, 1.0, 2.0), 3),
        ({"workers": 4, "min_workers": 1, "cpus_per_worker": 1}, (2.0, 3.5), 1),
        ({"workers": 4, "min_workers": 4}, (2.0, 2.0), 2),  # one is lost, the other is full
        ({"workers": 2, "min_workers": 1, **ROLES, **SLOT}, (2.0, 2.0), None),
        ({"workers": 2, "min_workers": 1}, (2.0, 2.0), None),  # never more than two
        ({"workers": 4, "min_workers": 3}, (1.0, 2.5), None),  # the full one alone is too small
        ({"workers": 4, "min_workers": 1, "cpus_per_worker": 1.5}, (2.0, 2.0), None),
    ],
)
def test_an_elastic_run_needs_room_for_a_data_task_on_whichever_nodes_are_left(
    config: PretrainConfig, scaling: dict[str, object], cpus: tuple[float, ...], full: int | None
) -> None:
    """Workers of half a CPU, where not said otherwise."""
    nodes = [*alike({"CPU": 1.0}, **DATA)] if "labels" in scaling else []
    nodes += alike(*({"CPU": each, "slot": each} for each in cpus), **TRAIN)
    wanted = replace(scaled(config, **scaling), batch=BatchConfig(slots=8, pairs=4))
    if full is None:
        return check_resources(wanted, nodes)
    with pytest.raises(
        InputError, match=rf"but {full} of the cluster's {len(nodes)} node\(s\) have no room.*slot"
    ):
        check_resources(wanted, nodes)


def test_what_other_jobs_hold_is_waited_for_and_told(config: PretrainConfig) -> None:
    two = scaled(config, workers=2, cpus_per_worker=1)
    assert awaited(two, alike({"CPU": 2.5})) is None
    told = awaited(two, alike({"CPU": 2.0}))
    assert told == (
        "waiting for room for 2 worker(s) of 1 CPU (2 free) and 0.5 CPU for a data task: "
        "other jobs hold what the cluster has"
    )
    assert awaited(two, alike({"CPU": 2.0}), data_task=False) is None
    told = awaited(two, alike({"CPU": 1.0}), data_task=False)
    assert told
    assert "data task" not in told
    placed = scaled(config, workers=2, cpus_per_worker=1, **ROLES)
    data, train = alike({"CPU": 4.0}, **DATA), alike({"CPU": 2.0}, **TRAIN)
    assert awaited(placed, [*data, *train]) is None
    told = awaited(placed, [*data, *alike({"CPU": 1.0}, **TRAIN)])
    assert "1 CPU (1 free)" in str(told), "of the nodes that it may run on"
    assert awaited(placed, [*alike({"CPU": 0.0}, **DATA), *train])


def test_a_checkpoint_of_other_settings_is_refused(config: PretrainConfig) -> None:
    run = run_folder(config)
    check_checkpoint(run, "abc")
    for rank in range(2):
        folder_of(run, 5).mkdir(parents=True, exist_ok=True)
        write_list(folder_of(run, 5), rank, RunState(5, 2, "abc"))
    folder_of(run, 9).mkdir()  # unfinished: does not count
    check_checkpoint(run, "abc")
    with pytest.raises(InputError, match=r"identity abc, this run's is def"):
        check_checkpoint(run, "def")


def test_the_card_names_corpus_licences_settings_and_languages(
    config: PretrainConfig, manifest: Manifest
) -> None:
    with_more = dataclasses.replace(
        manifest, language_pairs=("en-no", "en-zh-Hant"), licences={"synthetic": "CC0"}
    )
    card = model_card(config, with_more, "0123456789abcdef")
    assert 'language: ["en", "no", "zh"]' in card  # unquoted, YAML reads "no" as false
    assert "| synthetic | CC0 |" in card
    assert "90 sentence pairs: en-no, en-zh-Hant" in card
    assert "random weights" in card
    assert "0123456789abcdef" in card
    assert manifest.content_hash[:16] in card
    assert "4 x 16 pairs" in card
    assert "the state x of a `[QUE]` points" in card


def test_the_card_of_a_run_that_asked_nothing_promises_no_answers(
    config: PretrainConfig, manifest: Manifest
) -> None:
    losses = LossConfig(clism=ClismConfig(weight=0), cacr=CacrConfig(weight=0))
    silent = replace(config, masking=MaskingConfig(questions=False), losses=losses)
    card = model_card(silent, manifest, "0123456789abcdef")
    assert "pre-trained with MLM alone" in card
    assert "There is no span head here" in card
    only_cacr = replace(config, losses=LossConfig(clism=ClismConfig(weight=0)))
    card = model_card(only_cacr, manifest, "0123456789abcdef")
    assert "pre-trained with CACR (" in card
    assert "There is no span head here" in card


def test_only_a_model_that_learns_to_answer_becomes_the_best(
    config: PretrainConfig, tmp_path: Path
) -> None:
    def score(accuracy: float, **losses: ClismConfig) -> dict[str, float] | None:
        job = SimpleNamespace(
            run=str(tmp_path), config=replace(config, losses=LossConfig(**losses))
        )
        found = {"validation/accuracy": accuracy, "validation/questions": 9.0}
        return score_of_best(job, found)  # type: ignore[arg-type]

    assert score(0.5) == {"accuracy": 0.5, "questions": 9.0}
    assert score(0.5, clism=ClismConfig(weight=0)) is None
    (tmp_path / "best").mkdir()
    (tmp_path / "best.json").write_text(json.dumps(score(0.5)))
    assert score(0.5) is None
    assert score(0.6) == {"accuracy": 0.6, "questions": 9.0}
