"""What `jobs/status.py` reads from the files of runs, sweeps and evaluations."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from clism_ray.hold import hold
from clism_ray.report.standing import Standing
from clism_ray.report.standings import find
from clism_ray.train import checkpoint, journal
from clism_ray.train.checkpoint import RunState
from clism_ray.train.journal import Entry
from jobs.status import main

AGO_MS = 100_000  # of the last step


def train(step: int) -> Entry:
    """A step every two seconds, the tenth of them 100 s ago."""
    losses = {f"loss/{name}": 10.0 / step for name in ("total", "clism", "cacr", "mlm")}
    speed = {"speed/pairs_per_second": 32.0, "speed/data_wait": 0.25}
    at = int(time.time() * 1000) - AGO_MS + 2000 * (step - 10)
    return Entry(at, "train", step, {**losses, "accuracy/train": 0.5, **speed})


def write_run(folder: Path, status: str, **record: Any) -> None:
    folder.mkdir(parents=True)
    tree = {"identity": {"length": {"steps": 40}}, "identity_hash": "a", "status": status}
    (folder / "run.json").write_text(json.dumps({**tree, "mlflow_run": None, **record}))
    (folder / "config.yaml").write_text("tracking: {uri: 'http://me:***@host:5000'}")
    lost = Entry(train(5).time, "event", 5, {"status": "workers lost", "problem": "gone"})
    validation = Entry(train(8).time, "validation", 8, {"validation/accuracy": 0.75})
    again = [train(step) for step in range(4, 11)]
    journal.append(folder / journal.JOURNAL, [*map(train, range(1, 6)), lost, *again, validation])
    for step in (4, 8):
        saved = checkpoint.folder_of(folder, step)
        saved.mkdir(parents=True)
        if step == 4:  # the other is being written
            checkpoint.write_list(saved, 0, RunState(step, 1, "a"))


def one(storage: Path, name: str) -> Standing:
    (standing,) = find(storage, name)
    return standing


def test_a_run_that_is_driven_shows_where_it_is_and_what_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "mine"
    write_run(folder, "running")
    (folder / "tracking.json").write_text('{"key": "k", "mlflow_run": "abc"}')
    (folder / "best").mkdir()
    with hold(folder, "the run"):
        standing = one(tmp_path, "mine")
    assert standing.driver
    assert standing.driver.startswith("process ")
    assert (standing.status, standing.step, standing.steps) == ("running", 10, 40)
    assert standing.seconds_left == pytest.approx(60)
    assert standing.reported_seconds_ago == pytest.approx(AGO_MS / 1000 + 4, abs=5)
    assert (standing.validation_step, standing.checkpoint_step) == (8, 4)
    assert (standing.workers_lost, standing.mlflow_run) == (1, "abc")
    assert standing.model == str(folder / "best")


@pytest.mark.parametrize(
    ("status", "shown", "code"),
    [("running", "interrupted", 1), ("failed", "failed", 1), ("stopped", "stopped", 0)],
)
def test_a_run_that_nobody_drives_is_told_from_one_that_ended(
    status: str, shown: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "runs" / "mine", status, steps=20)
    assert main(["mine", "--storage", str(tmp_path)]) == code
    lines = capsys.readouterr().out
    assert f"run mine: {shown}\n" in lines
    for told in ("10/20  loss   1.000", "32.0 pairs/s", "data wait  25%", "exact spans 75.0%",
                 "checkpoint  step 4, 0:0", "lost 1 times", "http://me:***@host:5000"):  # fmt: skip
        assert told in lines
    assert "left" not in lines


def test_a_program_reads_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "runs" / "mine", "finished")
    assert main(["mine", "--storage", str(tmp_path), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["status"], told["step"], told["train"]["loss/total"]) == ("finished", 10, 1.0)


def test_a_sweep_counts_its_trials_and_shows_those_that_run(tmp_path: Path) -> None:
    folder = tmp_path / "sweeps" / "hunt"
    write_run(folder / "runs" / "hunt-1", "running")
    write_run(folder / "runs" / "hunt-4", "running")  # nothing told it that it was stopped
    trials = {
        "hunt-1": {"status": "running"},
        "hunt-2": {"status": "failed", "problem": "no disk"},
        "hunt-3": {"status": "running"},  # lost with its driver, and drawn anew
        "hunt-4": {"status": "stopped early"},
    }
    space = {"a": {"choice": [1, 2, 3]}, "b": {"choice": [1, 2]}}
    identity = {"trials": None, "space": space}
    record = {"identity": identity, "status": "running", "mlflow_run": "abc", "trials": trials}
    (folder / "sweep.json").write_text(json.dumps(record))
    write_run(folder / "runs" / "hunt-3", "running")
    with hold(folder, "the sweep"), hold(folder / "runs" / "hunt-1", "the trial"):
        standing = one(tmp_path, "hunt")
    assert standing.parts == {"running": 1, "failed": 1, "stopped early": 1, "to come": 3}
    assert [(trial.name, trial.step) for trial in standing.running] == [("hunt-1", 10)]
    assert one(tmp_path, "hunt-1").kind == "run"
    assert one(tmp_path, "hunt-4").status == "stopped early"
    write_run(folder / "runs" / "hunt-2", "failed")
    assert one(tmp_path, "hunt-2").problem == "no disk"
    assert one(tmp_path, "hunt").status == "interrupted"


def write_evaluation(folder: Path, cells: dict[str, dict[str, str]]) -> None:
    """An evaluation of one model and four samples, with some files of its cells."""
    for cell, files in cells.items():
        (folder / "cells" / cell).mkdir(parents=True)
        for name, text in {"config.yaml": "{}", **files}.items():
            (folder / "cells" / cell / name).write_text(text)
    (folder / "evaluation.yaml").write_text(
        "name: few\nmodels: {a: {path: a, forms: [plain]}}\nbaseline: a\nsizes: [64]\n"
        "samples: [1, 2, 3, 4]\noptimizer: {learning_rate: 0.001}\nlength: {steps: 10}\n"
        "ner: {train: t, format: uner, tests: {x: {path: 'x.{language}', languages: [en]}}}\n"
    )


def test_an_evaluation_counts_the_cells_it_asks_for(tmp_path: Path) -> None:
    folder = tmp_path / "evaluations" / "few"
    done = {"result.json": "{}"}
    cells = {
        "a.plain.64.1": done,
        "a.plain.64.2": {"problem.json": '{"problem": "no room"}'},
        "a.plain.64.3": {},
        **{f"of-before.plain.64.{sample}": done for sample in range(1, 5)},
    }
    write_evaluation(folder, cells)
    with hold(folder, "the evaluation"):
        standing = one(tmp_path, "few")
    assert standing.parts == {"finished": 1, "failed": 1, "to come": 2}
    ended = one(tmp_path, "few")
    assert ended.parts == standing.parts
    assert (standing.status, ended.status, ended.problem) == ("running", "failed", "no room")


def test_a_cell_that_begins_anew_is_told_by_its_newest_start(tmp_path: Path) -> None:
    folder = tmp_path / "evaluations" / "few"
    write_evaluation(folder, {f"a.plain.64.{sample}": {} for sample in (1, 2)})
    again, waiting = folder / "cells" / "a.plain.64.1", folder / "cells" / "a.plain.64.2"

    def start(at: Entry) -> Entry:
        return Entry(at.time, "event", 0, {"status": "training", "steps": 20})

    first = [start(train(1)), train(9)]
    for cell in (again, waiting):
        journal.append(cell / journal.JOURNAL, first)
    interrupted = one(tmp_path, "few")
    assert interrupted.parts == {"interrupted": 2, "to come": 2}
    for cell in (again, waiting):
        (cell / "begun.json").write_text("{}")
    late = Entry(int(time.time() * 1000) + 5000, "train", 2, train(2).values)
    journal.append(again / journal.JOURNAL, [start(late), late])
    with hold(folder, "the evaluation"):
        standing = one(tmp_path, "few")
    assert standing.parts == {"running": 1, "to come": 3}
    assert [(cell.name, cell.step, cell.steps) for cell in standing.running] == [
        ("a.plain.64.1", 2, 20)
    ]


def test_a_fine_tuning_whose_driver_died_at_once_is_interrupted(tmp_path: Path) -> None:
    folder = tmp_path / "finetuned" / "mine"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("{}")
    assert one(tmp_path, "mine").status == "interrupted"
    with hold(folder, "the fine-tuning"):
        assert one(tmp_path, "mine").status == "new"


@pytest.mark.parametrize("record", ["", "{", "[]", '{"status": "running"}'])
def test_a_damaged_record_is_told_by_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], record: str
) -> None:
    write_run(tmp_path / "runs" / "mine", "running")
    (tmp_path / "runs" / "mine" / "run.json").write_text(record)
    assert main(["mine", "--storage", str(tmp_path)]) == 2
    assert f"{tmp_path / 'runs' / 'mine'}: a record there is damaged" in capsys.readouterr().err


def test_records_of_another_form_are_told_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs" / "mine" / "run.json").mkdir(parents=True)
    sweep = tmp_path / "sweeps" / "hers"
    sweep.mkdir(parents=True)
    record = {"identity": {"trials": 3}, "trials": [], "status": "running", "mlflow_run": None}
    (sweep / "sweep.json").write_text(json.dumps(record))
    for name in ("mine", "hers"):
        assert main([name, "--storage", str(tmp_path)]) == 2
        assert "a record there is damaged" in capsys.readouterr().err


def test_an_unknown_name_is_answered_with_the_closest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "runs" / "minilm", "finished")
    assert main(["minlm", "--storage", str(tmp_path)]) == 2
    assert "closest: minilm" in capsys.readouterr().err
    assert main(["any", "--storage", str(tmp_path / "runs")]) == 2
    assert "there is no run at all" in capsys.readouterr().err
