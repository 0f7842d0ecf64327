"""`jobs/plan.py`: what a configuration will take, from the disk or from what its user knows."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from clism_ray.config import PretrainConfig
from clism_ray.config_file import parse, to_yaml
from clism_ray.errors import InputError
from clism_ray.report.estimate import fit, show_estimate
from clism_ray.train import journal
from clism_ray.train.estimate import Estimate, Given, estimate
from clism_ray.train.run import run_folder
from jobs.plan import main

ON_GPUS = {"device": "cuda", "gpus_per_worker": 1, "backend": "nccl"}


def configuration(corpus: Path, storage: Path, **changes: object) -> PretrainConfig:
    tree: dict[str, object] = {
        "name": "planned",
        "corpus": str(corpus),
        "storage": str(storage),
        "tokenizer": {"vocabulary": 400},
        "model": {"scratch": {"layers": 2, "hidden": 32, "heads": 2, "intermediate": 64}},
        "batch": {"slots": 4, "pairs": 6},
        "length": {"epochs": 2},
        **changes,
    }
    return parse(PretrainConfig, tree)


def published(storage: Path, **changes: object) -> PretrainConfig:
    model = {"start": "FacebookAI/xlm-roberta-base"}
    return configuration(storage / "none", storage, model=model, length={"steps": 10}, **changes)


def shown(found: Estimate) -> str:
    console = Console(width=160)
    with console.capture() as captured:
        show_estimate(found, console)
    return captured.get()


def test_from_a_corpus_micro_batches_and_steps_are_those_of_the_run(
    corpus: Path, tmp_path: Path
) -> None:
    found = estimate(configuration(corpus, tmp_path), Given())
    assert found.assumed == ()
    assert found.shape.vocabulary == 400
    batches = found.batches
    assert (batches.rows, batches.steps_per_epoch, batches.steps) == (90, 4, 8)  # 15 micro-batches
    assert batches.epochs == 2
    assert found.usual.pairs == 6
    assert 6 * 10 < found.usual.tokens < found.largest.tokens == 6 * (256 + 128)
    assert found.seconds is None
    assert "give --pairs-per-second, or --tflops" in shown(found)
    assert [path.name for path in tmp_path.iterdir()] == [], "planning leaves nothing behind"


def test_without_a_corpus_or_files_what_is_assumed_is_told(tmp_path: Path) -> None:
    text = shown(estimate(published(tmp_path), Given(pairs_per_second=100)))
    assert "279,475,603 parameters" in text
    assert "; 2.15 GiB more while a checkpoint is written" in text
    waiting = published(tmp_path, checkpoint={"beside": False})
    assert "while a checkpoint is written" not in shown(estimate(waiting, Given()))
    assert "assumed: sentences of 30 tokens (--sentence-tokens)" in text
    assert "assumed: a row for [QUE]" in text
    assert "0.24 s a step, 0:00:02 for 10 steps (100.0 pairs/s, as given)" in text


def test_epochs_of_no_corpus_take_a_number_of_pairs(corpus: Path, tmp_path: Path) -> None:
    gone = configuration(tmp_path / "none", tmp_path)
    with pytest.raises(InputError, match=r"length\.epochs = 2 are an unknown number.*--pairs"):
        estimate(gone, Given())
    assert estimate(gone, Given(pairs=2400)).batches.steps == 200
    many = configuration(corpus, tmp_path, scaling={"workers": 5})
    with pytest.raises(InputError, match=r"scaling\.workers is 5.*batch\.slots = 4"):
        estimate(many, Given())


def test_on_a_cpu_what_is_written_beside_training_is_in_the_peak(tmp_path: Path) -> None:
    beside, waiting = (
        estimate(published(tmp_path, checkpoint={"beside": beside}), Given())
        for beside in (True, False)
    )
    one, other = (found.memory["largest"][2] for found in (beside, waiting))
    assert one.saving == beside.copied + beside.exported
    assert one.peak == pytest.approx(other.peak + one.saving)
    assert beside.copied == 12 * beside.shape.largest, "more than half of all parameters"
    on_gpus = estimate(published(tmp_path, scaling={**ON_GPUS, "workers": 2}), Given())
    assert on_gpus.memory["largest"][2].saving == 0, "it is on their hosts"


def test_the_speed_of_a_run_so_far_is_taken_unless_another_is_given(
    corpus: Path, tmp_path: Path
) -> None:
    config = configuration(corpus, tmp_path)
    run_folder(config).mkdir(parents=True)
    entries = [
        journal.entry("train", step, {"data/pairs": pairs, "speed/pairs_per_second": pairs / took})
        for step, (pairs, took) in enumerate(((9.0, 1.0), (12.0, 2.0), (9.0, 3.0)), start=1)
    ]  # a step is of 24 pairs, of which masking leaves some out
    journal.append(run_folder(config) / journal.JOURNAL, entries)
    assert estimate(config, Given()).seconds == 2.0
    assert estimate(config, Given(pairs_per_second=6)).seconds == 4.0
    peak = estimate(config, Given(tflops=1e-3, mfu=0.5))
    turns = 2  # of two workers over four slots
    assert peak.seconds == pytest.approx(peak.operations / 4 * turns / (1e9 * 0.5))


def test_negatives_of_a_whole_step_take_another_forward(corpus: Path, tmp_path: Path) -> None:
    own, all_slots = (
        estimate(
            configuration(corpus, tmp_path, losses={"cacr": {"negatives": negatives}}),
            Given(tflops=1e-3),
        )
        for negatives in ("micro_batch", "global")
    )
    assert own.seconds is not None
    assert all_slots.seconds is not None
    assert 1.1 < all_slots.seconds / own.seconds < 4 / 3, "but for the head of MLM"


def test_stages_fit_or_fit_under_a_condition(tmp_path: Path) -> None:
    scaling = {**ON_GPUS, "workers": 4}
    config = published(tmp_path, scaling=scaling, batch={"slots": 4, "pairs": 64})

    def verdicts(gib: float) -> list[str]:
        return [fit(estimate(config, Given(gpu_gib=gib)), stage) for stage in range(4)]

    assert verdicts(80) == ["yes"] * 4
    assert verdicts(4) == ["no"] * 4
    assert {"usual ones", "recomputing"} & set(verdicts(18))
    assert "fits 18 GiB" in shown(estimate(config, Given(gpu_gib=18)))


def test_the_job_prints_json_for_programs_and_errors_for_people(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(to_yaml(configuration(corpus, tmp_path)), encoding="utf-8")
    assert main(["--config", str(path), "--json", "zero.stage=3", "--mfu", "0.5"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert tree["stage"] == 3
    assert tree["batches"]["steps_per_epoch"] == 4
    assert len(tree["memory"]["usual"]) == 4
    assert tree["checkpoint"] > 12 * tree["shape"]["parameters"]
    assert main(["--config", str(path), "model.start=somebody/unknown"]) == 2
    assert "not on this disk" in capsys.readouterr().err
    for option, value, said in (("--tflops", "-1", "above 0"), ("--mfu", "35", "from 0 to 1")):
        with pytest.raises(SystemExit):
            main(["--config", str(path), option, value])
        assert f"expected a {'share' if option == '--mfu' else 'number'} {said}" in (
            capsys.readouterr().err
        )
